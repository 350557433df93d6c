#!/usr/bin/env bash
# Builds the shim into the folder given. One compiler job for each processor, and for each 2 GB of free memory.
set -euo pipefail
source=$(cd "$(dirname "$0")" && pwd)
build=$1
log=$build/build.log
free_gb=$(awk '/MemAvailable/ { print int($2 / 1048576 / 2) }' /proc/meminfo)
jobs=$(nproc)
if [ "$free_gb" -lt "$jobs" ]; then jobs=$((free_gb > 1 ? free_gb : 1)); fi
options=(-DCMAKE_BUILD_TYPE=Release)
# Where the distribution has no libtorch, deploy/libtorch-from-debian has put one beside the build
libtorch=$(cd "$build/.." && pwd)/libtorch
if [ -e "$libtorch/complete" ]; then
  libraries=$libtorch/usr/lib/$(uname -m)-linux-gnu
  # DT_RPATH and not DT_RUNPATH: it holds for the libraries that libtorch itself needs, too
  options+=(-DCMAKE_PREFIX_PATH="$libtorch/usr" -DCMAKE_BUILD_RPATH="$libraries;$libtorch/usr/lib"
    -DCMAKE_SHARED_LINKER_FLAGS=-Wl,--disable-new-dtags)
fi
if ! { cmake -S "$source" -B "$build/cmake" "${options[@]}" && cmake --build "$build/cmake" --parallel "$jobs"; } > "$log" 2>&1; then
  if grep -q 'libtorch was not found' "$log"; then
    echo "error : libtorch was not found. On Debian and Ubuntu: apt install libtorch-dev libopenblas0 libdnnl-dev cmake g++ make; for another libtorch set CMAKE_PREFIX_PATH (log: $log)"
  else
    grep -E 'error|Error' "$log" | head -20 || tail -20 "$log"
    echo "error : the C++ shim in worker/Torch/native did not build (log: $log)"
  fi
  exit 1
fi
cp -f "$build/cmake/libgeneration_torch.so" "$build/libgeneration_torch.so.new"
mv -f "$build/libgeneration_torch.so.new" "$build/libgeneration_torch.so"
