// Preloaded into a Python process by the tests of reliability; it counts, and fails what it is told to fail.
//
//   fail_allocation(k)   the k-th C++ allocation of the process from now on finds no memory; 0: none
//   allocations()        how many there were since
//   regions()            how many parallel regions OpenMP has begun
#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>

static long fails_at = 0, counted = 0, begun = 0;

void fail_allocation(long k) {
  __atomic_store_n(&counted, 0, __ATOMIC_SEQ_CST);
  __atomic_store_n(&fails_at, k, __ATOMIC_SEQ_CST);
}
long allocations(void) { return __atomic_load_n(&counted, __ATOMIC_SEQ_CST); }
long regions(void) { return __atomic_load_n(&begun, __ATOMIC_SEQ_CST); }

// Of 24 bytes are the nodes of the table in which pybind11 enters a new object, outside of what it catches: an exception
// there ends the process, whatever module it is. They are neither counted nor failed.
static int refused(size_t bytes) {
  if (bytes <= 24) return 0;
  return __atomic_add_fetch(&counted, 1, __ATOMIC_SEQ_CST) == __atomic_load_n(&fails_at, __ATOMIC_SEQ_CST);
}

// operator new(size_t), its array and its aligned forms; std::bad_alloc is thrown by the C++ library's own helper.
extern void _ZSt17__throw_bad_allocv(void);

static void* memory(size_t bytes, size_t align) {
  void* p = NULL;
  if (refused(bytes)) _ZSt17__throw_bad_allocv();
  if (align <= 16) p = malloc(bytes ? bytes : 1);
  else if (posix_memalign(&p, align, bytes ? bytes : 1)) p = NULL;
  if (!p) _ZSt17__throw_bad_allocv();
  return p;
}
void* _Znwm(size_t n) { return memory(n, 1); }
void* _Znam(size_t n) { return memory(n, 1); }
void* _ZnwmSt11align_val_t(size_t n, size_t align) { return memory(n, align); }
void* _ZnamSt11align_val_t(size_t n, size_t align) { return memory(n, align); }

// A region of libgomp, which came with the core and so is not where RTLD_NEXT looks.
void GOMP_parallel(void (*work)(void*), void* data, unsigned threads, unsigned flags) {
  typedef void (*Begin)(void (*)(void*), void*, unsigned, unsigned);
  static Begin next = NULL;
  if (!next) next = (Begin)dlsym(dlopen("libgomp.so.1", RTLD_LAZY | RTLD_NOLOAD), "GOMP_parallel");
  __atomic_add_fetch(&begun, 1, __ATOMIC_SEQ_CST);
  next(work, data, threads, flags);
}
