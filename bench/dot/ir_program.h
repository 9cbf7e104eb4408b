/* From the text of a function to machine code that runs: what the benchmarks share. */
#ifndef TG_BENCH_IR_PROGRAM_H
#define TG_BENCH_IR_PROGRAM_H

#include "dsl/ir/ir.h"
#include "runtime/host.h"
#include "targets/target.h"

#include <llvm-c/LLJIT.h>

typedef struct ir_program {
    tg_arena *arena;
    tg_unwind unwind;
    tg_func *f;
    LLVMOrcLLJITRef jit;
    tg_entry_fn entry;
    tg_object object; /* asm_text, plan_text */
    tg_host *host;
    double ms;        /* of this thread for the compilation */
    char message[512];
} ir_program;

/* False with a message. `arch` null: this machine's best. */
bool ir_program_open(ir_program *x, const char *text, const char *arch, int threads);
void ir_program_close(ir_program *x);
/* Arguments as base/abi.h wants them. */
tg_status ir_program_run(ir_program *x, const void *const *args);
/* Row-major unless strides are given. */
tg_tensor_arg ir_tensor(void *data, uint32_t rank, const int64_t *shape, const int64_t *strides);

#endif
