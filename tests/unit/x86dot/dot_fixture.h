/* From the text of a function to machine code that runs: what the tests and benchmarks of the dot path share. */
#ifndef TG_TESTS_DOT_FIXTURE_H
#define TG_TESTS_DOT_FIXTURE_H

#include "dsl/ir/ir.h"
#include "runtime/host.h"
#include "targets/target.h"

#include <llvm-c/LLJIT.h>

typedef struct dot_fixture {
    tg_arena *arena;
    tg_unwind unwind;
    tg_func *f;
    LLVMOrcLLJITRef jit;
    tg_entry_fn entry;
    tg_object object; /* asm_text, plan_text */
    tg_host *host;
    double ms;        /* of this thread for the compilation */
    char message[512];
} dot_fixture;

/* False with a message. `arch` null: this machine's best. */
bool dot_fixture_open(dot_fixture *x, const char *text, const char *arch, int threads);
void dot_fixture_close(dot_fixture *x);
/* Arguments as base/abi.h wants them. */
tg_status dot_fixture_run(dot_fixture *x, const void *const *args);
/* Row-major unless strides are given. */
tg_tensor_arg dot_tensor(void *data, uint32_t rank, const int64_t *shape, const int64_t *strides);

#endif
