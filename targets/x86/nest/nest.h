/* How nests are planned and emitted: what the files of this folder offer to others. */
#ifndef TG_TARGETS_X86_NEST_NEST_H
#define TG_TARGETS_X86_NEST_NEST_H

#include "targets/x86/x86_internal.h"

/* ---- runs.c ---- */
LLVMValueRef tg_x86_run_index(tg_x86 *x, LLVMValueRef first, bool inner); /* lanes of the inner or outer axis, from `first` on */

/* ---- modes.c ---- */
void tg_x86_choose_modes(tg_x86 *x, tg_region *region);
bool tg_x86_can_inline(const tg_op *op);        /* can its value be computed where it is used? */
bool tg_x86_has_scalar_region(const tg_op *op); /* of code that runs for one element */

/* ---- plan.c ---- */
/* The root of a dot in a loop's body that writes `v`, which the loop carries on, and that dot (`dot` may be null); null: none does. */
tg_x86_root *tg_x86_root_of_yield(tg_x86 *x, const tg_block *b, const tg_value *v, const struct tg_x86_dot **dot);
void tg_x86_plan(tg_x86 *x, tg_region *region);
/* A nest that copies `v` into buffer `to`. */
tg_x86_nest *tg_x86_copy_nest(tg_x86 *x, tg_value *v, tg_x86_buffer *to);
tg_x86_nest *tg_x86_op_nest(tg_x86 *x, tg_op *op); /* the nest of one root op */
bool tg_x86_never_meet(tg_x86 *x, const tg_op *a, const tg_op *b); /* do two accesses of one tensor never meet, whatever their points? */
bool tg_x86_op_reads(const tg_x86 *x, const tg_op *op, const tg_value *tensor); /* does the root `op`, with all that is computed for it? */
/* Is `v` needed only where the nest's roots run? */
bool tg_x86_used_only_in(const tg_x86 *x, const tg_x86_nest *g, const tg_value *v);

/* ---- stretches.c ---- */
/* Emits the nest once for each stretch of an axis in which what it chooses by is decided; false: there are none, nothing was done. */
bool tg_x86_emit_stretches(tg_x86 *x, tg_x86_nest *n, void (*emit)(tg_x86 *x, tg_x86_nest *n));
/* In the stretch being emitted: is it known what the comparison says, or how often the divisor goes into the index? */
bool tg_x86_is_decided(const tg_x86 *x, const tg_op *op);
const tg_value *tg_x86_chosen(const tg_x86 *x, const tg_op *op); /* of the values of a SELECT; null: both may be */
bool tg_x86_is_inside_stretch(const tg_x86 *x, const tg_op *op, uint32_t d); /* does index d of the access stay in its tensor? */
bool tg_x86_eval_decided(tg_x86 *x, tg_x86_frame *f, const tg_op *op, tg_x86_val *out); /* false: it is not */

/* ---- stored.c ---- */
/* What later nests may read back of what this one stored. `past`: it may have gone past the caches; null: never. */
void tg_x86_note_stored(tg_x86 *x, const tg_x86_nest *n, LLVMValueRef past);
/* Decides whether this nest reads values back. Gives when it should compute them again, or null. Code goes where the builder is. */
LLVMValueRef tg_x86_open_stored(tg_x86 *x, const tg_x86_nest *n);
tg_op *tg_x86_read_back(const tg_x86 *x, const tg_value *v); /* the store whose element is the value, or null */

/* ---- flat.c: the last two axes of a nest as one, where rows follow each other ---- */
typedef struct tg_x86_flat {
    const tg_axis *row, *column;  /* null: the nest cannot run so */
    tg_x86_range rows, columns;   /* as they were */
} tg_x86_flat;
void tg_x86_open_flat(tg_x86 *x, const tg_x86_nest *n, tg_x86_flat *flat);
void tg_x86_close_flat(tg_x86 *x, const tg_x86_flat *flat);

/* ---- nest.c ---- */
void tg_x86_emit_nest(tg_x86 *x, tg_x86_nest *n);

/* ---- vector.c ---- */
void tg_x86_choose_vector(tg_x86 *x, tg_x86_nest *n); /* vector axis, lanes, unroll */
bool tg_x86_suits_vector(tg_x86 *x, tg_x86_nest *n, const tg_axis *a); /* is no access worse off with lanes along `a`? */

/* ---- channels.c ---- */
/* An axis of few points, which are side by side in what the nest stores; null: none. */
tg_axis *tg_x86_channel_axis(const tg_x86 *x, const tg_x86_nest *n);
/* The stores that write whole points together with root i, by channel: i itself for all along the nest's axis of channels. Gives how many
 * channels there are, 0: none. */
uint32_t tg_x86_channel_stores(const tg_x86 *x, const tg_x86_nest *n, uint32_t i, uint32_t *root);
void tg_x86_put_channels_inside(tg_x86_nest *n, tg_axis *channels);

/* ---- nest_vectors.c ---- */
bool tg_x86_may_overlap(const tg_x86 *x, const tg_x86_nest *n); /* may points of the vector axis have two turns, the second of which writes what the first did? */

/* ---- tile.c ---- */
void tg_x86_choose_tile(tg_x86 *x, tg_x86_nest *n); /* tile, unrolled inner axes */
/* Are the points first … last of the tile axis inside the tensors of all boxed accesses, from the frame `f` to the frame `end`? Null: there
 * are none. */
LLVMValueRef tg_x86_box_holds(tg_x86 *x, const tg_x86_nest *n, const tg_x86_frame *f, const tg_x86_frame *end, LLVMValueRef first,
                              LLVMValueRef last);
bool tg_x86_is_boxed(const tg_x86 *x, const tg_op *op, uint32_t d); /* is the test known to pass here? */
const tg_x86_boxed *tg_x86_box_of(const tg_x86 *x, const tg_op *op, uint32_t d); /* whose test it is then, else null */
/* What the roots of the nest read before its reductions are complete, and the axes along which some tile is read at other points than those of the
 * nest; false if that cannot be told. */
bool tg_x86_loads_of(tg_x86 *x, const tg_x86_nest *n, tg_x86_loads *loads, tg_x86_axes *moved);
LLVMValueRef tg_x86_within(tg_x86 *x, LLVMValueRef least, LLVMValueRef most, LLVMValueRef dim); /* 0 <= least, most < dim */
/* The least or greatest value of the index from the frame `f` to the frame `end`, over the points first … last of the tile and all points
 * of the axes that have no index yet. */
LLVMValueRef tg_x86_extreme(tg_x86 *x, const tg_x86_nest *n, const tg_x86_frame *f, const tg_x86_frame *end, const tg_affine *index,
                            bool greatest, LLVMValueRef first, LLVMValueRef last);

/* ---- reduce.c ---- */
typedef struct tg_x86_acc tg_x86_acc; /* accumulators of one root and one output point */
tg_x86_acc *tg_x86_acc_open(tg_x86 *x, tg_x86_root *r, unsigned lanes, tg_x86_frame *f);
/* Does the place of an extreme that the first looks for belong to the extreme that the second does? Then accumulators of the first have the second's result,
 * NaN included, as long as each point has its own: `place` is the first one's accumulator. */
bool tg_x86_acc_has_extreme(const tg_op *place, const tg_op *extreme);
tg_x86_acc *tg_x86_acc_extreme(tg_x86 *x, tg_x86_root *r, const tg_x86_acc *place);
bool tg_x86_scans_lanes(const tg_x86 *x, const tg_op *op); /* may the scan run along its lanes? */
void tg_x86_acc_share(tg_x86_acc *a, tg_x86_acc *with); /* both are merged in the end: what they can have in common they do */
void tg_x86_acc_step(tg_x86 *x, tg_x86_acc *a, tg_x86_frame *f);
bool tg_x86_acc_narrows(const tg_x86_root *r); /* may it take values of more lanes than it has? */
bool tg_x86_acc_regroups(const tg_op *op); /* may its points be combined in any order, which the compiler prefers? */
/* Accumulators of positions of extremes as one with the lanes of all; false: not such, or too many. */
bool tg_x86_acc_join(tg_x86 *x, tg_x86_acc **accs, uint32_t n);
void tg_x86_acc_merge(tg_x86 *x, tg_x86_acc *into, tg_x86_acc *from);
void tg_x86_acc_fold(tg_x86 *x, tg_x86_acc *a, unsigned lanes); /* to so many lanes */
void tg_x86_acc_close(tg_x86 *x, tg_x86_acc *a, tg_x86_frame *f);

/* ---- assign.c: chains of partial assignments ---- */
bool tg_x86_is_set(const tg_op *op);
void tg_x86_note_set(tg_x86 *x, tg_op *op); /* of all ops in order: finds the chains */
tg_op *tg_x86_chain_head(const tg_x86 *x, const tg_op *op); /* the first assignment of the chain that `op` belongs to */
bool tg_x86_chain_covers(const tg_x86 *x, const tg_x86_nest *n); /* is every element of the tile written, and once? */
void tg_x86_open_chain(tg_x86 *x, tg_x86_nest *n);
void tg_x86_close_chain(tg_x86 *x, tg_x86_nest *n);
void tg_x86_set_point(tg_x86 *x, const tg_x86_nest *n, tg_x86_frame *f, tg_op *op); /* one point of one assignment */
/* Does the index stay in V(a) wherever it is evaluated? */
bool tg_x86_proved_inside(tg_x86 *x, const tg_axis *a, const tg_value *index);

/* ---- eager.c: the order in which a chain computes its values ---- */
void tg_x86_eager_open(tg_x86 *x, const tg_x86_nest *n); /* until close, values go on to their users */
void tg_x86_eager_close(tg_x86 *x);
void tg_x86_run_chain(tg_x86 *x, tg_x86_frame *f);                  /* all assignments at one point */
void tg_x86_eager_go_on(tg_x86 *x, tg_x86_frame *f, tg_value *v); /* `v` was asked for in `f` and is known now */

#endif
