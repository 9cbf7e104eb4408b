/* The allocator hook and the unwinding point.
 *
 * Everything the library allocates goes through a tg_allocator, so that a host can supply its own and
 * the tests can fail the n-th allocation. `malloc` appears in alloc.c only.
 *
 * Code in dsl/, targets/ and compiler/ allocates from arenas and never checks for null: an exhausted
 * arena unwinds with longjmp to the TG_PROTECT of the API call that started the work. That is the only
 * setjmp in the library; it must never cross an LLVM frame (callbacks from LLVM do not allocate from
 * arenas). Heap objects that are alive when an unwind may happen must be reachable from a struct that
 * the protecting frame disposes of. */
#ifndef TG_BASE_ALLOC_H
#define TG_BASE_ALLOC_H

#include "tegula/base.h"

#include <setjmp.h>

/* tg_allocator itself is public: tegula/base.h. */
extern const tg_allocator tg_allocator_default; /* aligned malloc and free */

void *tg_alloc(const tg_allocator *a, size_t size, size_t align);  /* null on failure, zeroed */
void tg_free(const tg_allocator *a, void *ptr, size_t size);

typedef struct tg_unwind {
    jmp_buf env;
    tg_status status;
} tg_unwind;

/* Usage:  tg_unwind u;  if (TG_PROTECT(&u)) { …dispose…; return u.status; }  …work that may unwind… */
#define TG_PROTECT(u) ((u)->status = TG_OK, setjmp((u)->env))

/* Leaves the protected work with `status`. Does not return. */
_Noreturn void tg_unwind_to(tg_unwind *u, tg_status status);

#endif
