/* The grid of a phase as its launch sees it; private to entry.c, grid.c, apart.c and prefetch.c. */
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

/* ---- apart.c: may the atomic operations of a phase be plain ones? ---- */
typedef struct tg_x86_apart {
    bool may;            /* it has some, all relaxed */
    tg_x86_grid_par *by; /* instances that differ in its index never touch the same element; null: none known */
} tg_x86_apart;
void tg_x86_find_apart(tg_x86 *x, tg_op *phase, tg_x86_grid_par *pars, uint32_t n, tg_x86_apart *out);
/* i1: with so many threads no two instances that could meet run at the same time, if those of one index of `by` are one task. */
LLVMValueRef tg_x86_is_apart(tg_x86 *x, const tg_x86_apart *a, LLVMValueRef threads, LLVMValueRef total);

/* What passes over rows along the axis read and write for each of their points: of the rows, twice what is read if the next block's is requested
 * meanwhile (prefetch.c), and of what all rows share. */
typedef struct tg_x86_point_bytes {
    int64_t own, shared;
} tg_x86_point_bytes;
tg_x86_point_bytes tg_x86_bytes_of_point(const tg_x86 *x, const tg_axis *a);

/* Fills in the axes for so many threads, in about `few` tasks if that is not 0; the number of instances. Emits at the builder's position. `apart->by` is divided first
 * and becomes the outermost, or none where a schedule orders the axes otherwise. */
LLVMValueRef tg_x86_size_grid(tg_x86 *x, tg_op *phase, tg_x86_grid_par *pars, uint32_t n, LLVMValueRef threads, int64_t few,
                              tg_x86_apart *apart);

#endif
