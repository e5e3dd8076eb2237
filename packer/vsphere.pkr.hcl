# The same machine on vSphere, for sites that build there: a clone of the base disk as a template.
source "vsphere-iso" "appliance" {
  vcenter_server       = var.vcenter_address
  username             = var.vcenter_account
  password             = var.vcenter_password
  insecure_connection  = false
  datacenter           = var.datacenter
  cluster              = var.cluster
  datastore            = var.datastore
  vm_name              = "moorage-${var.version}"
  guest_os_type        = "debian11_64Guest"
  vm_version           = 15
  CPUs                 = var.cpus
  RAM                  = var.memory
  disk_controller_type = ["pvscsi"]
  communicator         = "ssh"
  ssh_username         = "root"
  ssh_private_key_file = var.private_key
  ssh_timeout          = "20m"
  shutdown_command     = "systemctl poweroff"
  convert_to_template  = false
}
