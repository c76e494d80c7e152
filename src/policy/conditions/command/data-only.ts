/** Programs of which nothing else is known but that they run no other one. */

/**
 * None of them has an option or an argument that is a command, code, or a library to load. In alphabetical order. A program
 * that is left out counts as one that nobody knows, so what is in doubt is left out.
 */
export const DATA_ONLY: readonly string[] =
  `: arp base32 base64 basename bc bg break bunzip2 bzip2 cal cat cd chattr cksum clear cmp col column comm continue
  csplit dd df dig dir dirname dirs disown dmesg exa exit expand expr eza factor false fdisk fg finger fmt fold free
  getcap getent getfacl groupadd groups gunzip gzip halt help hexdump history host hostname iconv id ifconfig ipcs
  join journalctl kill killall last locale locate logger logname logout look losetup lsattr lsblk lscpu lsd lsmod lsof
  mkfifo mkswap mktemp netstat nft nl nproc nslookup numfmt od parted passwd paste pathchk pgrep ping pkill popd
  poweroff pr printenv pushd pwd readelf readlink realpath reboot return rev rmmod route say seq set setcap setfacl
  shasum shellcheck shift shred shuf shutdown sleep ss stat strings stty sum swapoff swapon sync tac tee times top
  touch traceroute true truncate tsort tty ulimit umask umount unalias uname unlink unxz uptime userdel users
  wall whereis who whoami wipefs write xxd xz zcat zstd`.split(/\s+/);
