/* A machine as data: everything passes, schedules and models may know of a target without asking which it is. */
#ifndef TG_IR_MACHINE_H
#define TG_IR_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct tg_machine {
    const char *family; /* "x86", "ptx", "amdgcn", "interp": matched by `schedule k @ x86` */
    const char *arch;   /* "avx512vnni", "avx512", "avx2vnni", "avx2", "v2", "sm_90" …: the more specific `@` */
    const char *level;  /* a wider class that `@` names too ("avx512" of "avx512vnni"), or null */
    const char *cpu;    /* LLVM CPU name, or null */
    const char *features; /* LLVM feature string, or null */
    const char *needs;    /* what a processor must run for this code, as tg_cpu_runs takes it */
    int vector_bits;    /* 512, 256, 128 */
    int vector_regs;    /* 32 or 16 */
    bool has_fma, has_masks, has_f16c, has_bf16, has_vnni, has_amx;
    bool pairs_bf16; /* vdpbf16ps is issued as often as a fused multiply-add */
    int64_t stream_bytes; /* stores past the caches pay for results of this size or more; 0: never */
    bool requests; /* requests of lines of results, and of operands far ahead, pay: the processor does not foresee these itself */
    bool requests_rows; /* passes over rows in the first level had better request those of the next block */
    bool requests_far; /* those of operands far ahead pay while results go past the caches */
    bool waits_for_results; /* a register tile stores to lines that have to be requested before it is summed */
    bool foresees; /* lines of panels in one piece come in time without requests, which only take turns from a loop that computes */
    bool halves;   /* an operation on 512 bits takes two turns of the units, one on 256 or fewer a single one */
    bool splits;   /* code for wider vectors and masks than the processor has: slow, and only meant for tests */
    int64_t l1_bytes, l2_bytes, l3_bytes; /* per core; l3 shared */
    int n_cores;
    bool runs_here; /* false: this process can make code for it, but not run it */
} tg_machine;

#endif
