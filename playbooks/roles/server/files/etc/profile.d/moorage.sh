# The programs of the appliance by their names.
PATH=$PATH:/opt/moorage/bin
export PATH MOORAGE_CONFIG=/etc/moorage/moorage.toml
