# The same image made on vSphere itself, for sites that build there: Debian's installer puts the same packages onto
# an empty machine, told by http/preseed.cfg, which `python -m moorage_ova preseed` writes; then the same playbooks.
source "vsphere-iso" "appliance" {
  vcenter_server      = var.vcenter_address
  username            = var.vcenter_account
  password            = var.vcenter_password
  insecure_connection = false
  datacenter          = var.datacenter
  cluster             = var.cluster
  datastore           = var.datastore
  folder              = var.vcenter_folder

  vm_name       = "moorage-${var.version}"
  guest_os_type = "debian11_64Guest"
  # As the package's descriptor has it: 6.7 U2 and newer.
  vm_version           = 15
  CPUs                 = var.cpus
  RAM                  = var.memory
  disk_controller_type = ["pvscsi"]
  storage {
    disk_size             = 4096
    disk_thin_provisioned = true
  }
  network_adapters {
    network      = var.network
    network_card = "vmxnet3"
  }

  iso_url        = var.installer
  iso_checksum   = var.installer_checksum
  http_directory = var.answers
  boot_wait      = "5s"
  boot_command = [
    "<esc><wait>",
    "auto priority=critical hostname=moorage domain= ",
    "url=http://{{ .HTTPIP }}:{{ .HTTPPort }}/preseed.cfg<enter>",
  ]

  communicator         = "ssh"
  ssh_username         = "root"
  ssh_private_key_file = var.private_key
  ssh_timeout          = "60m"
  shutdown_command     = "systemctl poweroff"

  export {
    force            = true
    output_directory = var.output
    manifest         = "sha256"
  }
}
