/** Programs of which nothing is known but that they run no other one among their arguments. */

/** Programs that take their arguments as data: none of them is a command that they run. */
export const DATA_ONLY: ReadonlySet<string> = new Set(
  `alias apropos apt apt-get aptitude ar as base32 base64 basename bc brew bunzip2 bzip2 cal cat cc cd chattr cksum clang
  clear cmp col column comm composer csplit cut date dc dd deno df diff3 dig dir dirname dirs dmesg dnf dpkg du egrep eslint exiftool
  expand expr factor false fd fdisk ffmpeg fgrep file finger fmt fold free g++ gem getent getopts git grep groups gunzip
  gzip hash head help hexdump history host hostname iconv id ifconfig info install ip ipcs jest jobs join kill killall last
  ldd less ln locale locate logger login logname look ls lsattr lsblk lscpu lsof md5sum mkdir mkfifo mktemp more mount mv
  mypy nano netstat nl nm node nproc nslookup numfmt objdump od open pandoc passwd paste pathchk pgrep ping pip pkg pkill
  popd pr prettier printenv ps pushd pwd pylint pytest python readelf readlink realpath redis-cli rename return rev rmdir
  rpm ruff say seq sha1sum sha224sum sha256sum sha384sum sha512sum shasum shift shuf shutdown size sleep snap ss stat
  strings stty sum svn sync tac tee test times top touch true truncate tsc tsort tty type uname unalias uniq units uptime
  users uniq unset unlink unxz unzip vitest wait wall wc whatis whereis which who whoami write xdg-open xxd xz yum zcat
  zfs zgrep zless zip zstd [ : bat hg code gradle mvn javac java rustc rustup ninja cmake meson bazel buck dotnet msbuild
  phpunit rspec mocha ava tap black isort flake8 rubocop golangci-lint shellcheck tldr mail mutt sendmail telnet ftp
  export readonly local declare typeset set ulimit umask exit break continue logout disown fg bg umount swapoff swapon
  useradd userdel usermod groupadd visudo crontab chsh iptables nft setcap getcap setfacl getfacl route arp traceroute
  gsutil s3cmd s5cmd mc rclone hdfs hadoop dvc flutter dart rails rake composer wp drush mix lein sbt swift xcodebuild
  fastlane packer terragrunt pulumi cdk eksctl kustomize skaffold argocd minikube kind firebase vercel netlify wrangler
  prisma alembic django-admin flask uvicorn gunicorn jupyter dbt slack notify-send osascript fd exa eza lsd htop btop tig
  mkfs fsck parted wipefs mkswap losetup shred reboot poweroff halt sysctl modprobe lsmod insmod rmmod journalctl`.split(
    /\s+/,
  ),
);
