#!/usr/bin/env bash
# Other builds of the core, one instruction set each, and what runs under them. Each part ends with its count of reports.
#
#   tests/reliability/sanitized.sh address FOLDER    AddressSanitizer, and UBSan at the door: random calls, then tests;
#                                                    the build takes 240 CPU seconds, 133 of them for the kernels
#   tests/reliability/sanitized.sh undefined FOLDER  the same with UBSan in the kernels too, which compile for longer
#   tests/reliability/sanitized.sh thread FOLDER     ThreadSanitizer over the program of tests/native, without OpenMP
#   tests/reliability/sanitized.sh openmp FOLDER     the same with clang and its OpenMP, whose Archer explains the team's
#                                                    barriers to ThreadSanitizer; 46 CPU seconds
#   tests/reliability/sanitized.sh valgrind FOLDER   memcheck and its leak check over one fit of each family, with the
#                                                    installed core; 111 CPU seconds
#
# FOLDER keeps objects and logs; the CPU seconds of each file are printed as it is compiled. PYTHON names another
# interpreter than python3, JOBS the files compiled at a time (1), DOOR the random calls (100000), TESTS the tests, ISA
# the instruction set (v3; v2 is quickest, as AddressSanitizer calls a function for every 32 bytes).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
python=${PYTHON:-python3}
part=$1 folder=$(mkdir -p "$2" && cd "$2" && pwd)
log=$folder/$part.log
: > "$log"
tests=${TESTS:-core door gather golden bits gradients layers attention flow conformal}
frames="-g1 -fno-omit-frame-pointer"
outline="--param asan-instrumentation-with-call-threshold=0" # calls instead of checks in line: compiles faster

count() {  # count PATTERN: reports in the log
  printf '%s: %d reports, see %s\n' "$part" "$(grep -cE "$1" "$log")" "$log"
}

build() {  # build OPTION...: the core of v3, or the program of tests/native
  "$python" "$here/one_set.py" "$folder/$part" --isa "${ISA:-v3}" --jobs "${JOBS:-1}" "$@"
}

under_address() {  # the door, then every file of tests, whatever the one before has found
  local DOOR_SEED=$folder/$part.seed
  local reports=$folder/$part.reports # files, because pytest keeps to itself what a test that passes prints
  rm -f "$reports".*
  export SLOPES=1 # of each tensor: what a sanitizer looks at is read and written by one gradient
  export PYTHONPATH=$folder/$part DOOR_SEED UBSAN_OPTIONS=print_stacktrace=1:log_path=$reports
  export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:log_path=$reports
  local preload
  preload="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)"
  cd "$folder" # where no package is: `python -m` and `python -c` look into the folder they run in first
  LD_PRELOAD=$preload "$python" -c 'from forecast import _core; assert _core.config()["compiler"] == "one set", _core'
  LD_PRELOAD=$preload "$python" "$here/door.py" --n "${DOOR:-100000}" || echo "door: ended at seed $(cat "$DOOR_SEED")"
  for name in $tests; do
    LD_PRELOAD=$preload "$python" -m pytest -q -n 0 -p no:cacheprovider -c "$root/pyproject.toml" --rootdir "$root" \
      "$root/tests/test_$name.py" || echo "$name: failed"
  done
  cat "$reports".* 2> /dev/null || true
}

on_threads() {  # the native program with four threads and with one, which give the same values
  for n in 4 1; do
    THREADS=$n "$folder/$part/kernels" > "$folder/$n.values" 2>> "$log" || echo "$part: ended with $?"
  done
  cmp "$folder/1.values" "$folder/4.values" && echo "$part: the same $(wc -l < "$folder/1.values") values"
  count 'WARNING: ThreadSanitizer'
}

# reports PATTERN: the first lines of memcheck's reports that have such a line. An empty line ends a report. `true`, as
# grep ends with 1 where there is none.
reports() {
  sed -E 's/^==[0-9]+== ?//' "$log" | awk -v RS= -v pattern="$1" '$0 ~ pattern' \
    | grep -E '^(Invalid|Conditional|Use of|Syscall|Mismatched|Source and)|definitely lost in' || true
}

case $part in
  address | undefined)
    kernel=address
    if [ "$part" = undefined ]; then kernel=address,undefined; fi
    build --flags "-O0 $frames -fsanitize=address,undefined -fno-sanitize=vptr" \
      --kernel-flags "-O1 $frames -fsanitize=$kernel $outline"
    under_address 2>&1 | tee "$log"
    count 'ERROR: AddressSanitizer|runtime error:'
    ;;
  thread)
    build --native --no-openmp --flags "-O1 -g1 -fsanitize=thread"
    on_threads
    ;;
  openmp)
    build --native --compiler clang++ --flags "-O1 -g1 -fsanitize=thread"
    export OMP_TOOL_LIBRARIES=${ARCHER:-/usr/lib/llvm-14/lib/libarcher.so} TSAN_OPTIONS=ignore_noninstrumented_modules=1
    on_threads
    ;;
  valgrind)
    FORECAST_ISA=v3 PYTHONMALLOC=malloc OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 valgrind --error-limit=no \
      --leak-check=full --show-leak-kinds=definite --num-callers=30 \
      "$python" "$here/families.py" > "$folder/valgrind.out" 2> "$log"
    tail -n 1 "$folder/valgrind.out"
    reports 'forecast/_core[.]' # a report is ours where a frame of it is in the core
    printf 'valgrind: %d reports, %d of them of the core, see %s\n' \
      "$(reports . | wc -l)" "$(reports 'forecast/_core[.]' | wc -l)" "$log"
    grep -E 'definitely lost: |no leaks are possible' "$log"
    ;;
  *)
    echo "sanitized.sh: expected address, undefined, thread, openmp or valgrind, got $part" >&2
    exit 2
    ;;
esac
