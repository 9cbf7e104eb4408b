/* The instruction sets code can be made for, and which of them this processor has. */
#ifndef TG_BASE_CPU_H
#define TG_BASE_CPU_H

#include <stdbool.h>

/* Best of "avx512", "avx2", "v2" (x86-64-v4, v3 and v2 of the psABI) that this processor runs. */
const char *tg_cpu_best(void);
/* Can code for `arch` run on this processor? Also "avx512vnni" and "avx2vnni": with the dot products of bytes; "avx512amx": with tile registers, for which
 * the question asks the system to let this process use them; "avx512bf16"; "avx512split", AVX-512 code in AVX2 instructions; and several joined by '+', of which it must run all. False for unknown
 * names. Any thread. */
bool tg_cpu_runs(const char *arch);

#endif
