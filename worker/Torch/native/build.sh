#!/usr/bin/env bash
# Builds the shim into the folder given. One compiler job for each processor, and for each 2 GB of free memory.
set -euo pipefail
source=$(cd "$(dirname "$0")" && pwd)
build=$1
log=$build/build.log
free_gb=$(awk '/MemAvailable/ { print int($2 / 1048576 / 2) }' /proc/meminfo)
jobs=$(nproc)
if [ "$free_gb" -lt "$jobs" ]; then jobs=$((free_gb > 1 ? free_gb : 1)); fi
if ! { cmake -S "$source" -B "$build/cmake" -DCMAKE_BUILD_TYPE=Release && cmake --build "$build/cmake" --parallel "$jobs"; } > "$log" 2>&1; then
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
