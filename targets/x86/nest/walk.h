/* Between nest.c, which walks through the axes of a nest, and nest_vectors.c, the loops over its vector axis. */
#ifndef TG_TARGETS_X86_NEST_WALK_H
#define TG_TARGETS_X86_NEST_WALK_H

#include "targets/x86/nest/carry.h"
#include "targets/x86/nest/nest.h"

typedef struct tg_x86_nest_walk {
    tg_x86 *x;
    tg_x86_nest *n;
    tg_x86_acc *accs[TG_X86_MAX_ROOTS][TG_X86_MAX_POINTS];
    tg_x86_acc *rest[TG_X86_MAX_ROOTS]; /* of the vectors of one register, if the axis is reduced */
    uint32_t at_once;   /* points of the reduced axis that have accumulators of their own */
    bool vector_inside; /* the vector axis is reduced */
    tg_x86_frame *within[TG_X86_MAX_POINTS]; /* points of the band that exist, one of them repeatedly if there are few */
    LLVMValueRef has_band;                   /* i1: all do; null: no band */
    LLVMValueRef turns;                      /* i1: what is turned over has rows in memory; null: nothing is */
    LLVMValueRef stream; /* condition for stores past the caches, or null */
    LLVMValueRef again;  /* … for what was stored to be computed again */
} tg_x86_nest_walk;

/* What is inside axis i - 1, for each of the frames. */
void tg_x86_walk_level(tg_x86_nest_walk *w, uint32_t i, tg_x86_frame **frames, uint32_t n);
/* A frame in `parent` where the axis has this index, or lanes that go on from it by `step`. */
void tg_x86_bind_point(tg_x86 *x, tg_x86_frame **out, tg_x86_frame *parent, tg_axis *a, LLVMValueRef index, LLVMValueRef step);
/* The index that is as far from the end of the axis as k is from its beginning. */
LLVMValueRef tg_x86_mirrored(tg_x86 *x, const tg_x86_range *r, LLVMValueRef k);
void tg_x86_point_loop(tg_x86_nest_walk *w, uint32_t i, tg_axis *a, tg_x86_frame **frames, uint32_t n, LLVMValueRef first, LLVMValueRef until);
void tg_x86_vector_loops(tg_x86_nest_walk *w, uint32_t i, tg_axis *a, tg_x86_frame **frames, uint32_t n);

#endif
