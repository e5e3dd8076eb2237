# One playbook configures the image, another one looks at what came out.
build {
  sources = ["source.qemu.appliance", "source.vsphere-iso.appliance"]

  provisioner "ansible" {
    command       = var.ansible_playbook
    playbook_file = "${var.playbooks}/image.yml"
    user          = "root"
    # Packer's own proxy cannot talk to today's OpenSSH.
    use_proxy        = false
    ansible_env_vars = ["ANSIBLE_CONFIG=${var.playbooks}/ansible.cfg", "ANSIBLE_HOST_KEY_CHECKING=False", "ANSIBLE_FORCE_COLOR=0"]
    extra_arguments = [
      "-e", "ansible_python_interpreter=/usr/bin/python3",
      "-e", "image_payload=${var.payload}",
      "-e", "image_version=${var.version}",
    ]
  }

  provisioner "ansible" {
    command          = var.ansible_playbook
    playbook_file    = "${var.playbooks}/verify.yml"
    user             = "root"
    use_proxy        = false
    ansible_env_vars = ["ANSIBLE_CONFIG=${var.playbooks}/ansible.cfg", "ANSIBLE_HOST_KEY_CHECKING=False", "ANSIBLE_FORCE_COLOR=0"]
    extra_arguments = [
      "-e", "ansible_python_interpreter=/usr/bin/python3",
      "-e", "image_version=${var.version}",
    ]
  }
}
