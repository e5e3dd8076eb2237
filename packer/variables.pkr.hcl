# What a build is told. Nothing here has a password, and nothing a default that only fits one site.

variable "version" {
  type        = string
  description = "Version of the appliance; part of its name."
}

variable "payload" {
  type        = string
  description = "Folder on the build host with what the playbook brings into the image: wheels, units, templates."
}

variable "private_key" {
  type        = string
  description = "Path of the key that this one build logs in with; sealing removes its other half."
}

variable "ansible_playbook" {
  type        = string
  default     = "/usr/bin/ansible-playbook"
  description = "Path of the program; 2.14 is known to work against Python 3.13 in the image."
}

variable "playbooks" {
  type        = string
  description = "Path of the folder playbooks/."
}

# Under qemu.

variable "base_disk" {
  type        = string
  default     = ""
  description = "Path of the disk to begin with, qcow2, as `python -m moorage_ova base` makes it."
}

variable "base_checksum" {
  type        = string
  default     = "none"
  description = "Of the disk, sha256:<hex>."
}

variable "output" {
  type        = string
  default     = ""
  description = "Folder that the built disk is put into; it must not exist."
}

variable "console_log" {
  type        = string
  default     = "/dev/null"
  description = "File that the machine's serial console is written to."
}

variable "accelerator" {
  type        = string
  default     = "tcg"
  description = "kvm where the build host's works (MOORAGE_ACCELERATOR=kvm); tcg works everywhere, slower."
}

variable "cpus" {
  type    = number
  default = 2
}

variable "memory" {
  type        = number
  default     = 1024
  description = "MiB."
}

# On vSphere.

variable "vcenter_address" {
  type        = string
  default     = ""
  description = "Name of the vCenter to build on."
}

variable "vcenter_account" {
  type    = string
  default = ""
}

variable "vcenter_password" {
  type      = string
  default   = ""
  sensitive = true
}

variable "datacenter" {
  type    = string
  default = ""
}

variable "cluster" {
  type    = string
  default = ""
}

variable "datastore" {
  type    = string
  default = ""
}

variable "network" {
  type    = string
  default = ""
}

variable "vcenter_folder" {
  type        = string
  default     = ""
  description = "Folder for the machine."
}

variable "installer" {
  type        = string
  default     = ""
  description = "Address of Debian 13's network installer."
}

variable "installer_checksum" {
  type        = string
  default     = "none"
  description = "Of the installer, sha256:<hex> or file:<address of the list>."
}

variable "answers" {
  type        = string
  default     = ""
  description = "Folder with preseed.cfg, the answers to the installer's questions."
}
