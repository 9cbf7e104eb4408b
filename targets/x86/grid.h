/* The grid of a phase as its launch sees it; private to entry.c and grid.c. */
#ifndef TG_TARGETS_X86_GRID_H
#define TG_TARGETS_X86_GRID_H

#include "targets/x86/x86_internal.h"

enum { TG_X86_MAX_PARS = 16 };

/* One axis: what a task takes of it, how many such there are, and how many tasks the axes inside it make. */
typedef struct tg_x86_grid_par {
    tg_op *op;
    LLVMValueRef block, count, below;
} tg_x86_grid_par;

/* The axes, outermost first. */
uint32_t tg_x86_collect_pars(tg_op *phase, tg_x86_grid_par *out);
/* Fills in the axes for so many threads; the number of tasks. Emits at the builder's position. */
LLVMValueRef tg_x86_size_grid(tg_x86 *x, tg_op *phase, tg_x86_grid_par *pars, uint32_t n, LLVMValueRef threads);

#endif
