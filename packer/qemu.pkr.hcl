# The machine under qemu. The guest reaches nothing but this host's SSH: the build proves that it needs no network.
source "qemu" "appliance" {
  disk_image       = true
  iso_url          = var.base_disk
  iso_checksum     = var.base_checksum
  format           = "qcow2"
  disk_interface   = "virtio"
  disk_cache       = "unsafe"
  disk_discard     = "unmap"
  net_device       = "virtio-net"
  accelerator      = var.accelerator
  machine_type     = "q35"
  cpus             = var.cpus
  memory           = var.memory
  headless         = true
  skip_compaction  = true
  skip_resize_disk = true
  output_directory = var.output
  vm_name          = "appliance.qcow2"
  boot_wait        = "1s"

  communicator         = "ssh"
  ssh_username         = "root"
  ssh_private_key_file = var.private_key
  ssh_timeout          = "10m"
  shutdown_command     = "systemctl poweroff"

  qemuargs = [
    ["-cpu", "max"],
    # Packer's own forwarding listens on every interface.
    ["-netdev", "user,id=user.0,restrict=on,hostfwd=tcp:127.0.0.1:{{ .SSHHostPort }}-:22"],
    ["-device", "virtio-net,netdev=user.0"],
    ["-serial", "file:${var.console_log}"],
  ]
}
