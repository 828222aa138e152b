# Installs, upgrades, removes and purges the package on a copy of this system that is gone afterwards: an overlay in a
# mount namespace of its own. Arguments: the .deb of tincan, the one of tincan-node. Ends with "all is well".
set -eu
tincan=$1 node=$2
place=$(mktemp -d)
mount -t tmpfs tmpfs "$place"
mkdir "$place/upper" "$place/work" "$place/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$place/upper,workdir=$place/work" "$place/root"
for kernel in proc sys dev; do mount --rbind "/$kernel" "$place/root/$kernel"; done
mount -t tmpfs tmpfs "$place/root/run"
cp "$tincan" "$place/root/tincan.deb"
cp "$node" "$place/root/tincan-node.deb"
cat > "$place/root/trial" <<'TRIAL'
set -eu
export DEBIAN_FRONTEND=noninteractive
fail() { echo "does not hold: $1"; exit 1; }
dpkg -i /tincan-node.deb /tincan.deb
echo "# mine" >> /etc/default/tincan
tincan --version
tincan fleet --help > /dev/null
tincan image --help > /dev/null
id tincan > /dev/null || fail 'there is a user'
[ "$(stat -c %U:%G:%a /etc/tincan)" = root:tincan:750 ] || fail 'the place of the claim'
[ -e /etc/systemd/system/multi-user.target.wants/tincan.service ] || fail 'the service is enabled'
/usr/lib/tincan/node/bin/node -e 'require("/usr/lib/tincan/node_modules/onoff")' || fail 'onoff loads'
[ -z "$(dpkg --verify tincan-node)" ] || fail 'the files are those of the package'
systemctl disable tincan.service
dpkg -i /tincan.deb
grep -q '# mine' /etc/default/tincan || fail 'an upgrade keeps the settings'
[ ! -e /etc/systemd/system/multi-user.target.wants/tincan.service ] || fail 'an upgrade keeps it disabled'
mkdir -p /var/lib/tincan
touch /var/lib/tincan/identity.json /etc/tincan/claim.json
dpkg -r tincan
[ -e /var/lib/tincan/identity.json ] || fail 'a removal keeps the identity'
[ ! -e /usr/lib/tincan/dist ] || fail 'a removal takes the program'
dpkg -P tincan tincan-node
for gone in /var/lib/tincan /etc/tincan /etc/default/tincan /usr/lib/tincan /usr/bin/tincan; do
  [ ! -e $gone ] || fail "a purge takes $gone"
done
[ -z "$(find /etc /usr /var/lib/systemd -name '*tincan*' ! -path '*/dpkg/*')" ] || fail "a purge takes all: $(find /etc /usr /var/lib/systemd -name '*tincan*')"
echo 'all is well'
TRIAL
exec chroot "$place/root" sh /trial
