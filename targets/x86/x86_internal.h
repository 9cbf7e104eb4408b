/* How the x86 target turns tile IR into LLVM IR; shared by the files of this folder and of those below.
 *
 *   here      from a function down to the value of a tile at a point
 *     target.c    compile: guard, passes, object;  machine.c  processors and their levels;  split.c  one of them, for tests
 *     entry.c     the host entry: launch-level ops, frames, phases;  fill.c  fills as phases;  work.c  how much a phase computes
 *     grid.c      block sizes and counts of a launch;  blocks.c  those that no schedule says
 *     phase.c     the task function of a phase;  body.c  the body of an instance: steps in order, control flow, scalars
 *     eval.c      the value of a tile at a point
 *     schedule.c  directives that are obeyed;  offer.c  those that would be;  describe.c  the plan as text;  debug.c  lines of the source
 *   nest/     loops over the points of tiles
 *     modes.c     which values are recomputed and which live in buffers;  plan.c  grouping of roots into nests
 *     vector.c    which axis runs in lanes;  runs.c  lanes over two axes;  tile.c  several points at a time;  flat.c  rows as one
 *     nest.c      the loops and their roots, nest_vectors.c  those over lanes;  reduce.c  accumulators;  carry.c  loops that carry tiles
 *     channels.c  stores of points of a few elements
 *     stretches.c where conditions on an index do not change
 *     assign.c    chains of partial assignments, eager.c  in which order they compute;  stored.c  what was stored is read back
 *   memory/   elements of tensors and buffers
 *     access.c    vectors that are whole;  gather.c, strided.c, near.c  whose lanes are apart;  transpose.c, turn.c  of matrices turned over
 *     pixels.c  points of a few elements side by side
 *     complex_access.c, packed.c, row_address.c, buffer.c;  interior.c, wrap.c  indices that need no test or division;  lengths.c  known extents
 *     prefetch.c  requests ahead of use;  stream.c  stores past the caches;  atomic.c, apart.c  those that meet nobody
 *   ops/      operations on registers, and those that are loops of their own
 *     elementwise.c, convert.c, complex.c, libm.c   one op on scalars or vectors;  constants.c  its constants;  quotient.c  shared divisors
 *     region.c    scalar regions;  order.c  sort, topk, histogram;  special.c  print, assert, random numbers;  points.c  their loops
 *   dot/      products in register tiles: dot/dot.h
 *
 * The central notion is a *frame* (tg_x86_frame): a point of evaluation. A frame binds axes to indices and knows its
 * parent; a value is evaluated in the innermost frame that binds one of its axes, at the place in the code where that
 * frame's loop body is, so code that does not depend on an inner loop lands outside it. The vector axis is bound to
 * `first lane + step·lane`; what depends on it becomes a vector, what does not stays scalar. */
#ifndef TG_TARGETS_X86_X86_INTERNAL_H
#define TG_TARGETS_X86_X86_INTERNAL_H

#include "base/abi.h"
#include "dsl/ir/ir.h"
#include "dsl/ir/range.h"
#include "targets/llvm/llvm.h"
#include "targets/target.h"

typedef struct tg_x86_debug tg_x86_debug;
typedef struct tg_x86_launch tg_x86_launch;
typedef struct tg_x86_columns tg_x86_columns;
typedef struct tg_x86_turned tg_x86_turned;
typedef struct tg_x86_stretch tg_x86_stretch;

/* A value at a point: a scalar for all lanes (step null), the lane-affine integer v + lane·step, or a vector. Registers
 * hold bool as i1, 4-bit integers as i8 (extended), f16, bf16, f8 and f4 as the equal f32. Complex: v re, im. */
typedef struct tg_x86_val {
    LLVMValueRef v;
    LLVMValueRef step;
    LLVMValueRef im;
} tg_x86_val;

/* A place where code can still be put: the end of a block without terminator. */
typedef struct tg_x86_place {
    LLVMBasicBlockRef at;
} tg_x86_place;

typedef struct tg_x86_frame {
    struct tg_x86_frame *parent; /* null: rank-0 values of the instance */
    tg_x86_place *place;
    tg_axis *axes[8];            /* bound here */
    tg_x86_val index[8];
    uint32_t n_axes;
    const tg_op *loop;           /* an iteration of this FOR: what its body computes is evaluated here; else null */
    LLVMValueRef mask;           /* lanes that exist, parents' included; null = all */
    tg_map *memo;                /* tg_value → tg_x86_val* */
} tg_x86_frame;

/* V(axis) where it is bound; ordinal and count of the block. */
typedef struct tg_x86_range {
    LLVMValueRef first, size, ordinal, count;
    int64_t bound; /* size never exceeds it; 0 = no bound */
} tg_x86_range;

typedef struct tg_x86_tensor {
    tg_dtype dtype;
    uint32_t rank;
    LLVMValueRef base, dim[8], stride[8];
    bool written; /* in this phase */
} tg_x86_tensor;

/* Where a tile lives. axes: outermost first. `pointer` is a stack slot, so that buffers can be exchanged. */
typedef struct tg_x86_buffer {
    tg_axis *axes[8];
    uint32_t n_axes;
    tg_dtype dtype;
    LLVMValueRef pointer;
    int64_t stride[8];      /* in elements; 0: dynamic, in slot */
    LLVMValueRef slot[8];
    LLVMValueRef capacity; /* stack slot, bytes; null: static */
    int64_t bytes;         /* static */
    LLVMValueRef read;           /* the pointer as it was read last, */
    LLVMBasicBlockRef read_in;   /* and the block of code that may use that; null: none */
} tg_x86_buffer;

typedef enum tg_x86_mode { TG_X86_NONE, TG_X86_INLINE, TG_X86_BUFFER } tg_x86_mode;

typedef enum tg_x86_root_kind {
    TG_X86_ROOT_FILL,   /* value → buffer, at every point */
    TG_X86_ROOT_STORE,
    TG_X86_ROOT_REDUCE, /* REDUCE, REDUCE_FN, DOT */
    TG_X86_ROOT_SCAN,
    TG_X86_ROOT_ATOMIC,
    TG_X86_ROOT_EFFECT, /* assert */
    TG_X86_ROOT_CARRY,  /* a FOR that carries tiles point by point (carry.c) */
    TG_X86_ROOT_SET     /* the points that REINDEX_SET writes; a chain of them may end with a STORE (assign.c) */
} tg_x86_root_kind;

typedef struct tg_x86_root {
    tg_x86_root_kind kind;
    tg_op *op;       /* null for FILL of a value that is copied */
    tg_value *value; /* FILL: what is evaluated */
    tg_x86_buffer *to;
    bool transient;  /* FILL, REDUCE: only this nest uses the value, at the same point: it stays in registers */
    bool after;      /* runs at the points of `outer`, once the reductions of the nest are complete there */
} tg_x86_root;

/* Dimension d of a load, whose test points inside the tensor do without: those of a tile (tile.c), vectors of an interior (interior.c). */
typedef struct tg_x86_boxed {
    const tg_op *op; /* a load, or what limits an index to stay below `extent` */
    uint32_t d;
    tg_affine index;
    int64_t per_lane; /* interior: what the index grows by from lane to lane; `index` is the rest */
    tg_value *extent; /* null: that of the tensor */
    int64_t beyond;   /* added to `extent` */
    tg_value *free;   /* the index that `op` limits; null: none */
} tg_x86_boxed;
typedef TG_VEC(tg_x86_boxed) tg_x86_boxes;
typedef TG_VEC(tg_op *) tg_x86_loads;
typedef TG_VEC(tg_axis *) tg_x86_axes;

/* Loops over `outer`, in it loops over `inner` (the reduced or scanned axes), in it the roots. `vector` is one of them. */
enum { TG_X86_MAX_ROOTS = 128, TG_X86_MAX_POINTS = 32 }; /* of a nest; points (or vectors of them) worked on at a time */

typedef struct tg_x86_nest {
    tg_axis *outer[8], *inner[8];
    uint32_t n_outer, n_inner;
    tg_axis *vector; /* null: scalar code */
    uint32_t unroll, lanes; /* vectors per iteration, lanes per vector */
    tg_axis *partner;       /* lanes are over two axes, `vector` and this one (runs.c); null: one axis */
    tg_axis *channels;      /* the last of `outer`, all points of which are worked on at a time (channels.c); null: none */
    bool rows;              /* the partner is the inner one of the two */
    uint32_t narrow;        /* lanes of the vectors at the end of the axis, where `lanes` are several registers */
    bool long_chain; /* the work of a point is one chain of instructions: several points have to alternate */
    bool light;      /* a point is little work: code for several is short */
    bool segment;    /* `vector` runs from one place in a table to another: often for less than a few vectors */
    bool reverse;    /* the inner axis runs downwards */
    tg_axis *tile;   /* one of `outer`, `tile_points` of which are worked on at a time; null: one */
    uint32_t tile_points;
    tg_axis *band;   /* an axis around `tile` of which `band_points` are worked on at a time as well; null: one. Only if it repeats */
    uint32_t band_points;
    tg_x86_loads turned; /* what the tile is for, if these: rows of theirs are read at once (turn.c) */
    bool repeats;    /* points may be computed twice: the last tile overlaps the one before */
    bool overlaps;   /* so does the last vector, so that all are whole, in one loop */
    uint32_t unrolled; /* the last so many of `inner` have no loops */
    tg_x86_boxes boxed, bordered; /* tests that tiles, and vectors in the interior, do without */
    tg_x86_axes moved; /* axes that have other points somewhere in the nest: tests of `bordered` do not depend on them */
    TG_VEC(tg_x86_root) roots;
    struct tg_x86_dot *dot; /* the nest of a DOT on its fast path (dot.h): the roots after it run on its results */
} tg_x86_nest;

typedef enum tg_x86_step_kind { TG_X86_STEP_SCALAR, TG_X86_STEP_NEST, TG_X86_STEP_OP } tg_x86_step_kind;
typedef struct tg_x86_step {
    tg_x86_step_kind kind;
    tg_op *op;
    tg_x86_nest *nest;
} tg_x86_step;
typedef TG_VEC(tg_x86_step) tg_x86_steps;

/* Lines that a loop requests some way ahead of where it is (prefetch.c). */
typedef struct tg_x86_ahead {
    bool operands, results;
    bool next, rows; /* the next block's: of what is read back; of what an earlier pass has read */
} tg_x86_ahead;

/* A constant of f32 or i32 in memory, as wide as a register; the one that was read last. */
typedef struct tg_x86_constant {
    LLVMValueRef value, memory;
} tg_x86_constant;
typedef struct tg_x86_recent {
    LLVMValueRef value, read;
    LLVMBasicBlockRef block;
    unsigned lanes;
} tg_x86_recent;

/* The fast variant of a task is right if dimension d of the tensor is at least `extent`. */
typedef struct tg_x86_bound_check {
    tg_value *tensor, *extent;
    uint32_t d;
} tg_x86_bound_check;

/* An inlined value is met once per path to it, and there are exponentially many: answers are kept by value id.
 * Valid where `walk` is that of the memo. */
typedef struct tg_x86_walk {
    uint32_t walk;
    bool after; /* asked for a root that runs after the reductions of the nest */
    struct { uint32_t walk; uint8_t answer; } *at; /* two per value */
} tg_x86_walk;

/* … and if its stride d is this one. */
typedef struct tg_x86_packed_check {
    tg_value *tensor;
    uint32_t d;
    int64_t stride;
} tg_x86_packed_check;

typedef TG_VEC(tg_directive) tg_x86_directives;

typedef struct tg_x86 {
    tg_llvm *l;
    tg_func *f;
    tg_arena *arena;
    const tg_machine *machine;
    const tg_codegen_options *options;
    tg_unwind *unwind;
    const char *message;

    struct tg_x86_debug *debug; /* null: no debug information */

    bool *obeyed;         /* by item of the schedule: schedule.c */
    tg_x86_directives *directives; /* that no schedule gives: offer.c */

    /* plan */
    uint8_t *modes;       /* by value id: tg_x86_mode */
    tg_x86_walk *memo;    /* answers of the walk over inlined values that is under way */
    tg_map *steps;        /* tg_block → tg_x86_steps* */
    tg_map *carries;      /* FOR → whether it runs point by point (carry.c) */
    tg_facts *facts;      /* what the launch checks */
    tg_map *chains;       /* REINDEX_SET → what its chain covers (assign.c) */
    tg_strbuf plan_text;

    /* the function being emitted */
    LLVMValueRef fn;
    LLVMBasicBlockRef allocas;
    tg_x86_place prologue;
    LLVMValueRef *scalars, *scalars_im; /* by value id, rank 0 */
    tg_x86_tensor **tensors;            /* by value id */
    tg_x86_buffer **buffers;            /* by value id */
    tg_x86_range *ranges;               /* by axis rank */
    LLVMBuilderRef builder;             /* l->builder */
    tg_x86_frame *root;                 /* frame of the rank-0 values */
    tg_x86_place *place;                /* where the builder is */
    tg_map *local;                      /* inside a scalar region that is inlined: tg_value → tg_x86_val* */

    /* the entry and its task functions */
    LLVMValueRef frame, worker, rt;
    struct tg_x86_captures *captures;
    TG_VEC(LLVMValueRef) cold; /* functions that need not be fast */
    tg_packing packing;     /* of the operand that was packed before the launch */
    tg_few_rows few_rows;   /* of which product code is left out */
    bool plain;             /* the entry uses nothing of rt */
    bool inlines;           /* … and takes in its only tasks */
    const char *entry_name;
    uint32_t n_tasks_emitted;

    /* the task function being emitted */
    bool in_task;
    bool unit;             /* fast variant: the last stride of accessed tensors is 1 where that helps */
    bool alone;            /* nobody meets the atomic operations of this task (apart.c) */
    const tg_op *group;    /* a task is all instances of one block of this binder; null: one instance */
    bool permuted;         /* instances are enumerated in another order than that of the nest */
    bool streamed;         /* some of this task do */
    tg_map *stored;        /* values that stand in a tensor (stored.c) */
    bool fills;            /* it computes a buffer: memory is idle meanwhile */
    uint32_t pass;         /* the nests of this task so far */
    tg_map *first_reads;   /* load → its first pass, a uint32_t * */
    const tg_x86_launch *launch;   /* what the entry knows of this task function; null in the entry */
    TG_VEC(tg_value *) unit_tensors; /* tensors whose unit stride the fast variant relies on */
    TG_VEC(tg_x86_bound_check) bound_checks;
    TG_VEC(tg_x86_packed_check) packed_tensors; /* strides before the last that it relies on */
    TG_VEC(tg_x86_constant) constants;  /* those in memory */
    int64_t scratch_bytes;
    LLVMValueRef scratch;   /* worker->scratch */
    LLVMBasicBlockRef instance_start; /* open block at the start of each instance */
    bool uses_alloc;
    bool panels_apart; /* the tiles of a product that runs once in the task are in a function of their own */
    LLVMBasicBlockRef fail; /* block that returns OUT_OF_MEMORY */
    TG_VEC(tg_value *) chain_results;      /* tiles made by partial assignment that may still be read */
    TG_VEC(tg_x86_buffer *) free_buffers;  /* of tiles that nothing reads any more */
    LLVMValueRef sink;       /* zero bytes, a vector of them: where loads of no lane read */

    /* the nest being emitted */
    unsigned lanes;        /* of the nest being emitted */
    unsigned run;          /* lanes of the inner axis, if lanes are over two; else 0 */
    tg_x86_ahead ahead;    /* what this loop requests before it is needed */
    bool stream;           /* stores of this loop go past the caches */
    bool reads_back;       /* it reads what was stored instead of computing it again */
    const tg_x86_nest *boxed; /* the points being worked on pass the tests of its boxed accesses */
    tg_map *multiples;           /* indices that are multiples of so many lanes */
    const tg_x86_nest *interior; /* so do the vectors being worked on, those of its bordered ones */
    const tg_x86_stretch *stretch; /* of an axis, the one being emitted; null: not in one (stretches.c) */
    uint32_t window_row;      /* counts rows of the windows that unrolled loops walk through */
    bool reads_constants;               /* of the nest being emitted (constants.c) */
    tg_x86_recent recent;
    tg_x86_columns *columns; /* strided reads of this nest (transpose.c) */
    tg_x86_turned *turned;   /* squares of a matrix that it turns over (turn.c) */
    LLVMValueRef tile_at[TG_X86_MAX_POINTS]; /* indices of the tile being worked on */
    struct tg_x86_eager *eager; /* of the chain being emitted; null: none (eager.c) */
    LLVMValueRef zeros;      /* a row of zeros, as long as the range of `zeroed` in elements of 4 bytes; null: none */
    const tg_axis *zeroed;   /* the vector axis of the nest */
} tg_x86;

/* Ends the compilation with UNSUPPORTED; names the op. Does not return. */
_Noreturn void tg_x86_refuse(tg_x86 *x, const tg_op *op, const char *why);

enum { TG_X86_CLOSE_LANES = 4 }; /* elements from lane to lane that are still read as whole vectors: strided.c */
typedef struct tg_x86_task {
    LLVMValueRef fast, general; /* general null: fast serves all */
} tg_x86_task;
/* Slots of a frame: what the task needs of the entry's values, in order of first use. */
typedef enum tg_x86_slot { TG_X86_SLOT_SCALAR, TG_X86_SLOT_IM, TG_X86_SLOT_BASE, TG_X86_SLOT_DIM, TG_X86_SLOT_STRIDE, TG_X86_SLOT_BLOCK } tg_x86_slot;
typedef struct tg_x86_capture { tg_x86_slot kind; const void *key; uint32_t d; } tg_x86_capture;
typedef struct tg_x86_captures { TG_VEC(tg_x86_capture) list; } tg_x86_captures;

/* ---- schedule.c ---- */
void tg_x86_sched_open(tg_x86 *x);
void tg_x86_sched_obey(tg_x86 *x, const tg_sched_item *item); /* the emitter does what the item says */
/* Ends the compilation (COMPILE) if an item that this target takes was not obeyed. */
void tg_x86_sched_close(tg_x86 *x);
const tg_sched_item *tg_x86_sched_vector(const tg_x86 *x, const tg_axis *a); /* `vector(a)`, or null */
/* Numbers of a phase's binders in the order in which its instances are enumerated, outermost first; false: as they are nested. */
bool tg_x86_sched_order(tg_x86 *x, const tg_op *phase, tg_op *const *pars, uint32_t n, uint32_t *sorted);
const char *tg_x86_name_of_par(const tg_op *par); /* its axis's or scalar's; may be null */

/* ---- offer.c: directives that would be obeyed, noted where the decision falls without one ---- */
void tg_x86_offer(tg_x86 *x, const char *target, const char *value); /* null: what has no name cannot be asked for */
/* `key(name)`, or null without a name. */
const char *tg_x86_offer_target(tg_x86 *x, const char *key, const char *name);
/* `vector(a)` with one, two and four times `lanes`. */
void tg_x86_offer_vector(tg_x86 *x, const tg_axis *a, int64_t lanes);
/* Other orders of the binders of a phase. */
void tg_x86_offer_order(tg_x86 *x, const tg_op *phase, tg_op *const *pars, uint32_t n);

/* ---- eval.c ---- */
tg_x86_frame *tg_x86_frame_create(tg_x86 *x, tg_x86_frame *parent, tg_x86_place *place);
void tg_x86_frame_bind(tg_x86_frame *f, tg_axis *a, tg_x86_val index);
void tg_x86_frame_mask(tg_x86 *x, tg_x86_frame *f, LLVMValueRef mask); /* and */
const tg_x86_val *tg_x86_frame_index(const tg_x86_frame *f, const tg_axis *a); /* null if not bound */
tg_x86_val tg_x86_eval(tg_x86 *x, tg_x86_frame *f, tg_value *v);
tg_x86_val tg_x86_eval_def(tg_x86 *x, tg_x86_frame *f, tg_value *v); /* from its definition, even if it has a buffer */
/* As one LLVM value: scalar if the same for all lanes. */
tg_x86_val tg_x86_plain(tg_x86 *x, tg_x86_val v);
LLVMValueRef tg_x86_vector(tg_x86 *x, tg_x86_val v); /* splat to the nest's lanes */
LLVMValueRef tg_x86_in_range(tg_x86 *x, const tg_axis *a, tg_x86_val index); /* index in V(a)? */
void tg_x86_memo(tg_x86 *x, tg_x86_frame *f, tg_value *v, tg_x86_val val);
/* Continues code generation at `to`; gives back the place to return to. */
tg_x86_place *tg_x86_move_to(tg_x86 *x, tg_x86_place *to);
tg_x86_frame *tg_x86_frame_of(tg_x86_frame *f, const tg_type *type); /* innermost that binds an axis of the type */
tg_x86_frame *tg_x86_frame_of_value(tg_x86_frame *f, const tg_value *v); /* the one in which `v` is evaluated: that of a loop around it, or as above */

/* ---- phase.c ---- */
tg_x86_tensor *tg_x86_tensor_of(tg_x86 *x, tg_value *v);
LLVMValueRef tg_x86_scalar_of(tg_x86 *x, tg_value *v); /* rank 0, captured from the entry if need be */
/* In a task: the captured thing, loaded in the prologue (once). */
LLVMValueRef tg_x86_captured(tg_x86 *x, tg_x86_slot kind, const void *key, uint32_t d, LLVMTypeRef type);
LLVMValueRef tg_x86_worker_alloc(tg_x86 *x, LLVMValueRef bytes); /* returns from the task if there is none */
/* Calls the function of the worker at that offset, with pointers and i64. */
void tg_x86_worker_call(tg_x86 *x, int64_t function, LLVMValueRef *args, unsigned n);
LLVMValueRef tg_x86_emit_task(tg_x86 *x, tg_op *phase, const char *suffix);

/* ---- describe.c ---- */
void tg_x86_describe_nest(tg_x86 *x, const tg_x86_nest *n); /* a line of the plan's text */

/* ---- body.c ---- */
void tg_x86_emit_scalar(tg_x86 *x, tg_op *op);
void tg_x86_emit_block(tg_x86 *x, tg_block *b);
void tg_x86_bind_axis(tg_x86 *x, tg_op *op); /* AXIS */
void tg_x86_domain(tg_x86 *x, tg_op *op, LLVMValueRef *lo, LLVMValueRef *hi);
void tg_x86_set_scalar(tg_x86 *x, tg_value *v, tg_x86_val val);

/* ---- target.c ---- */
void tg_x86_mark_cold(tg_x86 *x, LLVMValueRef fn);
void tg_x86_mark_steering(tg_x86 *x, LLVMValueRef fn);
void tg_x86_function_attributes(tg_x86 *x, LLVMValueRef fn);
/* Closes a region (tg_llvm_outline_open); with debug information it stays in its function, which its locations belong to. Its own
 * function, or null. */
LLVMValueRef tg_x86_outline_close(tg_x86 *x, tg_llvm_outline *o, const char *name);

/* ---- split.c ---- */
void tg_x86_define_missing(tg_x86 *x); /* instructions that "avx512split" lacks; when all of the module has been emitted */

/* ---- debug.c: source lines; all do nothing unless debug information is asked for ---- */
void tg_x86_debug_open(tg_x86 *x);
void tg_x86_debug_close(tg_x86 *x);
void tg_x86_debug_function(tg_x86 *x, LLVMValueRef fn, const tg_op *op);
void *tg_x86_debug_enter(tg_x86 *x, const tg_op *op); /* code of `op` follows; gives back what leave() restores */
void tg_x86_debug_leave(tg_x86 *x, void *old);
void *tg_x86_debug_scope(const tg_x86 *x);
void tg_x86_debug_return(tg_x86 *x, void *scope, void *location); /* back in an outer function */

/* ---- entry.c ---- */
void tg_x86_emit_entry(tg_x86 *x);
bool tg_x86_is_launch_value(const tg_value *v); /* can the entry compute it? */
/* A scalar of a phase's region whose value the entry can compute as well. */
LLVMValueRef tg_x86_launch_value(tg_x86 *x, tg_value *v);
void tg_x86_emit_launch(tg_x86 *x, tg_op *op); /* TEMP, PHASE */
/* The value of a slot, if the entry knows it as a constant; else null. Never emits code. */
LLVMValueRef tg_x86_launch_constant(const tg_x86 *x, tg_x86_slot kind, const void *key, uint32_t d);
bool tg_x86_is_known(tg_x86 *x, tg_value *v, int64_t *out); /* in the entry: is a scalar a constant there? */
bool tg_x86_is_single_task(const tg_x86 *x); /* will the task function be called for one task alone? */

/* ---- fill.c ---- */
void tg_x86_expand_fills(tg_func *f);          /* FILL as a phase that stores */
extern const char tg_x86_fill_phase[]; /* the name of their phases */

/* ---- work.c ---- */
/* Points that operations are computed at, those of stores twice; INT64_MAX if extents are not known. Up to LITTLE a thread that waits for work does not pay: a
 * microsecond, where a hand-over takes 0.2 to 0.9. Up to BRIEF a thread that sleeps does not: 3 us of multiply-adds. */
enum { TG_X86_LITTLE_WORK = 40 << 10, TG_X86_BRIEF_WORK = 1 << 17 };
int64_t tg_x86_count_work(tg_x86 *x, tg_op *phase);

/* ---- blocks.c ---- */
int64_t tg_x86_default_block(tg_x86 *x, const tg_axis *a); /* largest size of a grid block; 0: whole domain */
bool tg_x86_is_few_rows(tg_x86 *x, const tg_axis *a);      /* a grid axis of which an instance has a handful of points */

#endif
