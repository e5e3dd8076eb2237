# What a release is built with; addresses, accounts and the installer's checksum are each site's own.
cpus   = 2
memory = 2048
