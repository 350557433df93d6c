# Sourced by ./generation, which sets root and dotnet and has say, fail and packages.
# prepare COMMAND SOLUTION: installs the Debian packages that are missing and builds, both at the same time, and shows how far they are.

log_folder=$root/artifacts
install_log=$log_folder/install.log
build_log=$log_folder/build.log
start_time=${EPOCHREALTIME/[.,]/}
installing= building= solution= shown= shown_at=0

prepare() {
  local command=$1
  solution=$2
  mkdir -p "$log_folder"
  trap stop_build EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  [ -z "$command" ] || start_installation "$command"
  is_built "$solution" || start_build "$solution"
  while [ -n "$installing$building" ]; do
    [ -z "$installing" ] || kill -0 "$installing" 2>/dev/null || end_installation
    [ -z "$building" ] || kill -0 "$building" 2>/dev/null || end_build "$solution"
    [ -z "$installing$building" ] || { show; sleep 0.5; }
  done
  trap - EXIT INT TERM
}

# --- Debian packages ---

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

start_installation() {
  command -v dpkg-query >/dev/null || return 0 # not Debian's family: the programs themselves say what is missing
  local line why names name found
  missing=() optional=() as_root=()
  while read -r line; do
    why=${line%: *} names=${line##*: } found=
    for name in ${names//[|?]/ }; do
      if is_installed "$name"; then found=yes; break; fi
    done
    if [ -z "$found" ]; then
      [ ${#missing[@]}${#optional[@]} != 00 ] || say "Some Debian packages are missing and are installed now:"
      case $names in
        \?*) optional+=("${names#\?}"); say "  ${names#\?}  ($why; all else works without it)" ;;
        *) missing+=("$names"); say "  ${names//|/ or }  ($why)" ;;
      esac
    fi
  done < <(packages "$1")
  [ ${#missing[@]}${#optional[@]} != 00 ] || return 0

  local all="${missing[*]//|*/} ${optional[*]}"
  how="as root: apt-get install ${all# }"
  if [ "$(id -u)" != 0 ]; then
    local why_not=
    command -v sudo >/dev/null || why_not="this user is not root and there is no sudo."
    if [ -z "$why_not" ] && ! sudo -n true 2>/dev/null; then
      if [ -t 0 ]; then
        say "sudo may ask for your password: only the installation itself runs as root."
        sudo -v || why_not="sudo did not let this user."
      else
        why_not="sudo asks for a password, and there is no terminal to ask at."
      fi
    fi
    if [ -n "$why_not" ]; then
      [ ${#missing[@]} = 0 ] || fail "install packages" "$why_not" "run $how; then this command again."
      say "They are left out: $why_not To have them, run $how."
      return 0
    fi
    as_root=(sudo)
  fi
  : >"$install_log"
  # The one that is running is not interrupted with this command: half an installation is worse than one too many
  "${as_root[@]}" bash "$root/deploy/install-packages" "${missing[@]}" -- "${optional[@]}" >"$install_log" 2>&1 </dev/null &
  installing=$!
}

end_installation() {
  local code=0
  wait "$installing" || code=$?
  installing=
  case $code in
    0) told "Debian packages are installed$(installed_size)" ;;
    3) told "Debian packages are installed, but for ${optional[*]}: $(reason_of_apt) All else works. To try again, run $how" ;;
    *)
      show_errors "$install_log" '^(E|W|Err)[: ]|[Ee]rror|There is no package|Generation knows'
      fail "install packages" "$(reason_of_apt)" "$(advice_for_apt), or run $how; then this command again." "$install_log"
      ;;
  esac
}

installed_size() { awk '/^Need to get/ { sub(/.*\//, "", $4); printf " (%s %s fetched)", $4, $5 }' "$install_log" | head -n 1; }

says() { grep -qE "$2" "$1"; }

reason_of_apt() {
  if says "$install_log" 'No space left|enough free space'; then echo "the disk is full: $(free_space /var /)."
  elif says "$install_log" 'Temporary failure resolving|Could not (resolve|connect)|Unable to connect|Connection (timed out|refused)|Network is unreachable'; then
    echo "the servers that packages come from do not answer."
  elif says "$install_log" 'Hash Sum mismatch|unexpected size'; then echo "a package arrived damaged."
  elif says "$install_log" 'dpkg was interrupted'; then echo "an earlier installation was interrupted."
  elif says "$install_log" 'Could not get lock|Unable to acquire'; then echo "another program is installing packages."
  else echo "apt-get ended with an error."; fi
}

advice_for_apt() {
  if says "$install_log" 'No space left|enough free space'; then echo "make room"
  elif says "$install_log" 'dpkg was interrupted'; then echo "run, as root: dpkg --configure -a"
  elif says "$install_log" 'Could not get lock|Unable to acquire'; then echo "wait until it has ended"
  elif says "$install_log" 'Temporary failure resolving|Could not (resolve|connect)|Unable to connect|Connection (timed out|refused)|Network is unreachable'; then
    echo "look at the network, at a proxy (Acquire::http::Proxy in /etc/apt/apt.conf.d) and at the addresses in /etc/apt/sources.list*"
  else echo "mend what it says"; fi
}

# --- the build ---

# What .NET packages are cached in while they are fetched
fetched_folder=${NUGET_HTTP_CACHE_PATH:-${XDG_DATA_HOME:-$HOME/.local/share}/NuGet/http-cache}
torch_device=${GENERATION_TORCH_DEVICE:-cpu}

# Whether the compiler of the optional kernels is there: where it came, or went, they are built or left out
compiler() { command -v g++ || command -v c++ || command -v clang++ || true; }

folders() {
  if [ "$1" = Generation.sln ]; then echo "api cli clients contracts diagnostics hosting planning storage worker tests models Generation.sln"
  else echo "api cli clients contracts diagnostics hosting planning storage worker Stack.slnf Cli.slnf"; fi
}

is_built() {
  local stamp=$log_folder/.built-$1
  # shellcheck disable=SC2046
  [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$torch_device $(compiler)" ] && [ -z "$(cd "$root" && find $(folders "$1") \
    Directory.Build.props Directory.Build.targets Directory.Packages.props BannedSymbols.txt .editorconfig -newer "$stamp" \
    -not -path '*/Goldens/*' -print -quit 2>/dev/null)" ]
}

start_build() {
  case $torch_device in
    cpu | cuda) ;; # read by the build itself
    *) fail "build" "GENERATION_TORCH_DEVICE is '$torch_device'." "set it to cpu or cuda, or not at all." ;;
  esac
  say "Building ($1); where .NET packages are not here yet, they are fetched first (libtorch is the largest of them) ..."
  # No servers of the compiler or of MSBuild stay behind. The rules are for those who change the code: with the tests
  local rules=true
  [ "$1" = Generation.sln ] || rules=false
  : >"$build_log"
  (
    flock 9 # another command may be building: then this one has nothing left to do
    ! is_built "$1" || exit 0
    printf '%s %s\n' "$torch_device" "$(compiler)" >"$log_folder/.building-$1"
    exec "$dotnet" build "$root/$1" -c Release -nologo -v minimal -tl:off -nodeReuse:false \
      -p:UseSharedCompilation=false -p:RunAnalyzers=$rules >"$build_log" 2>&1 </dev/null
  ) 9>"$log_folder/.build-lock" &
  building=$!
}

stop_build() { [ -z "$building" ] || kill "$building" 2>/dev/null || true; }

end_build() {
  local stamp=$log_folder/.built-$1 code=0
  wait "$building" || code=$?
  building=
  if [ $code != 0 ]; then
    show_errors "$build_log" 'error|No space left'
    fail "build" "$(reason_of_build)" "$(advice_for_build)" "$build_log"
  fi
  if [ -e "$log_folder/.building-$1" ]; then
    mv "$log_folder/.building-$1" "$stamp"
    # The whole solution holds the stack
    [ "$1" != Generation.sln ] || cp -p "$stamp" "$log_folder/.built-Stack.slnf"
  fi
  told "built$(fetched_size)"
}

fetched_size() {
  local bytes
  bytes=$(fetched | awk '{ sum += $1 } END { print sum + 0 }')
  [ "$bytes" -lt 1000000 ] || printf ' (%d MB of .NET packages fetched)' $((bytes / 1000000))
}

# Lines of SIZE NAME of the .NET packages that this build has fetched, or is fetching
fetched() { find "$fetched_folder" -name 'nupkg_*' -newer "$log_folder/.build-lock" -printf '%s %f\n' 2>/dev/null || true; }

is_damaged='End of Central Directory|invalid data while decoding|[Cc]orrupt|not a valid (zip|package)|NU3008|NU1403|unexpected end of (file|stream)|Offset to Central'
is_away='NU1301|NU1101|Unable to load the service index|Name or service not known|Resource temporarily unavailable|Connection refused|timed out|The SSL connection'

reason_of_build() {
  if says "$build_log" 'No space left on device|not enough space on the disk'; then echo "the disk is full: $(free_space "$root" "$HOME" "${TMPDIR:-/tmp}")."
  elif says "$build_log" "$is_damaged"; then echo "a .NET package arrived damaged, or only half of it is there."
  elif says "$build_log" "$is_away"; then echo "the server that .NET packages come from does not answer, or has not got one of them."
  else echo "dotnet build ended with an error."; fi
}

advice_for_build() {
  if says "$build_log" 'No space left on device|not enough space on the disk'; then echo "make room (the .NET packages take 1 GB, the build 0.7 GB); then run this command again."
  elif says "$build_log" "$is_damaged"; then
    echo "$dotnet nuget locals http-cache --clear; rm -rf the package's folder in ${NUGET_PACKAGES:-$HOME/.nuget/packages}; then run this command again: all else that was fetched is kept."
  elif says "$build_log" "$is_away"; then
    echo "look at the network, at a proxy (https_proxy) and at the sources in ~/.nuget/NuGet/NuGet.Config; then run this command again: what was fetched is kept."
  else echo "read the log."; fi
}

# --- what is shown ---

free_space() { df -Pk "$@" 2>/dev/null | awk 'NR > 1 && !seen[$6]++ { printf "%s%d MB free at %s", sep, $4 / 1024, $6; sep = ", " }'; }

show_errors() {
  clear_line
  grep -aE "$2" "$1" | sort -u | tail -n 10 | cut -c1-300 | sed 's/^/  | /' >&2 || true
}

clock() {
  local tenths=$(((${EPOCHREALTIME/[.,]/} - start_time) / 100000))
  printf '%4d.%d s' $((tenths / 10)) $((tenths % 10))
}

clear_line() { [ ! -t 2 ] || printf '\r\033[K' >&2; }

told() {
  clear_line
  say "  $(clock)  $1"
  shown=
}

# One line that changes at a terminal; in a log a line for each new thing, and else every 10 s
show() {
  local install='' build=''
  [ -z "$installing" ] || install=$(installation_state)
  [ -z "$building" ] || build=$(build_state)
  local line="$install${install:+${build:+; }}$build" what=
  what=${line//[0-9.]/}
  if [ -t 2 ]; then
    clear_line
    printf '  %s  %s' "$(clock)" "${line:0:$((${COLUMNS:-$(tput cols 2>/dev/null || echo 80)} - 12))}" >&2
  elif [ "${what%%(*}" != "${shown%%(*}" ] || [ $((SECONDS - shown_at)) -ge 10 ]; then
    say "  $(clock)  $line"
    shown=$what shown_at=$SECONDS
  fi
}

installation_state() {
  awk '
    /newly installed/ { count = $3 }
    /^Need to get/ { sub(/.*\//, "", $4); total = $4 " " $5 }
    count && /^Get:/ { name = $5; size = $0; sub(/.*\[/, "", size); split(size, part, /[] ]/); got += part[1] * (part[2] ~ /^M/ ? 1 : part[2] ~ /^k/ ? 0.001 : 0.000001) }
    /^Unpacking / { unpacked++; name = $2 }
    /^Setting up / { set++; name = $3 }
    END {
      sub(/:.*/, "", name)
      if (unpacked) printf "installing Debian packages: %d of %d unpacked, %d ready (%s)", unpacked, count, set, name
      else if (count) printf "fetching Debian packages: %d MB of %s (%s)", got, total, name
      else printf "reading the lists of Debian packages"
    }' "$install_log"
}

build_state() {
  local compiled projects
  compiled=$(grep -c ' -> ' "$build_log" || true)
  if [ "$compiled" -gt 0 ]; then
    projects=$(grep -cE '\.csproj"' "$root/$solution" || true)
    printf 'compiling: %d of %d projects' "$compiled" "$projects"
    return
  fi
  fetched | awk '
    { sum += $1; if ($2 ~ /-new$/ && $1 > most) { most = $1; name = $2 } }
    END {
      sub(/^nupkg_/, "", name); sub(/\.dat-new$/, "", name)
      if (name != "") printf "fetching .NET packages: %d MB so far (%s: %d MB)", sum / 1e6, name, most / 1e6
      else if (sum > 0) printf "unpacking .NET packages: %d MB fetched", sum / 1e6
      else printf "looking which .NET packages are here"
    }'
}
