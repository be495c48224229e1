#!/usr/bin/env bash
# Other builds of the core, one instruction set each, and what runs under them. Each part ends with its count of reports.
#
#   tests/reliability/sanitized.sh address FOLDER    AddressSanitizer and UBSan over the tests of the core and the door
#   tests/reliability/sanitized.sh thread FOLDER     ThreadSanitizer (clang, libomp) over the program of tests/native
#   tests/reliability/sanitized.sh valgrind FOLDER   memcheck over one fit of each family, with the installed core
#
# FOLDER keeps objects and logs. PYTHON names another interpreter than python3. Debian: apt-get install clang libomp-dev
# valgrind.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
python=${PYTHON:-python3}
part=$1 folder=$(mkdir -p "$2" && cd "$2" && pwd)
log=$folder/$part.log
tests="core gradients golden bits gather layers attention flow conformal"

count() {  # count PATTERN: reports in the log
  printf '%s: %d reports, see %s\n' "$part" "$(grep -cE "$1" "$log")" "$log"
}

case $part in
  address)
    "$python" "$here/one_set.py" "$folder/address" --isa v3 \
      --flags "-O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize=vptr"
    export PYTHONPATH=$folder/address UBSAN_OPTIONS=print_stacktrace=1
    export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1
    LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)"
    export LD_PRELOAD
    cd "$root"
    for name in $tests; do
      "$python" -m pytest -q -x -n 0 -p no:cacheprovider "tests/test_$name.py" 2>&1
    done | tee "$log"
    "$python" "$here/door.py" --n "${DOOR:-100000}" 2>&1 | tee -a "$log"
    count 'ERROR: AddressSanitizer|runtime error:'
    ;;
  thread)
    "$python" "$here/one_set.py" "$folder/thread" --native --isa v3 --compiler clang++ --flags "-O1 -g -fsanitize=thread"
    archer=$(find / -name 'libarcher.so' -not -path '/proc/*' 2> /dev/null | head -n 1)
    OMP_TOOL_LIBRARIES=$archer TSAN_OPTIONS=ignore_noninstrumented_modules=1 THREADS=4 "$folder/thread/kernels" \
      > "$folder/thread.values" 2> "$log" || true
    count 'WARNING: ThreadSanitizer'
    ;;
  valgrind)
    FORECAST_ISA=v3 PYTHONMALLOC=malloc OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 valgrind --error-limit=no \
      "$python" "$here/families.py" > "$folder/valgrind.out" 2> "$log"
    tail -n 1 "$folder/valgrind.out"
    # A report is ours where a frame of it is in the core.
    printf 'valgrind: %d frames of the core in reports, see %s\n' "$(grep -cE '^==[0-9]+== +(at|by).*(_core[.]cpython|forecast::)' "$log")" "$log"
    ;;
  *)
    echo "sanitized.sh: expected address, thread or valgrind, got $part" >&2
    exit 2
    ;;
esac
