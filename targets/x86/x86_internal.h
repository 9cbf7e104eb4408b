/* How the x86 target turns tile IR into LLVM IR; shared by the files of this folder.
 *
 *   target.c    machine, compile: guard, passes, object
 *   entry.c     the host entry: launch-level ops, frames, phases;  grid.c  block sizes;  fill.c  fills as phases;  phase.c  the task
 *               function of a phase
 *   body.c      the body of an instance: steps in order, control flow, scalars
 *   modes.c     which values are recomputed and which live in buffers;  plan.c  grouping of roots into nests
 *   nest.c      loops of a nest, its roots;  reduce.c  accumulators;  tile.c  several points of a nest at a time;  flat.c  rows as one;
 *               carry.c  loops that carry tiles;  stream.c  stores past the caches;  stored.c  what was stored is read back
 *   eval.c      the value of a tile at a point;  access.c  memory of tensors and buffers, gather.c  its odd vectors;  buffer.c  room for buffers;
 *               turn.c  matrices that are turned over;  atomic.c;  prefetch.c  requests ahead of use
 *   elementwise.c, convert.c   one op on scalars or vectors of W lanes;  constants.c  their constants in long chains
 *   order.c     sort, topk, histogram;  special.c  print, assert, random numbers;  points.c  scalar loops for these
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

/* Loops over `outer`, in it loops over `inner` (the reduced or scanned axes), in it the roots. `vector` is one of them. */
enum { TG_X86_MAX_ROOTS = 128, TG_X86_MAX_POINTS = 32 }; /* of a nest; points (or vectors of them) worked on at a time */

typedef struct tg_x86_nest {
    tg_axis *outer[8], *inner[8];
    uint32_t n_outer, n_inner;
    tg_axis *vector; /* null: scalar code */
    uint32_t unroll, lanes; /* vectors per iteration, lanes per vector */
    tg_axis *partner;       /* lanes are over two axes, `vector` and this one (runs.c); null: one axis */
    bool rows;              /* the partner is the inner one of the two */
    uint32_t narrow;        /* lanes of the vectors at the end of the axis, where `lanes` are several registers */
    bool long_chain; /* the work of a point is one chain of instructions: several points have to alternate */
    bool light;      /* a point is little work: code for several is short */
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

    /* task functions */
    bool in_task;
    bool unit;             /* fast variant: the last stride of accessed tensors is 1 where that helps */
    unsigned lanes;        /* of the nest being emitted */
    unsigned run;          /* lanes of the inner axis, if lanes are over two; else 0 */
    bool alone;            /* nobody meets the atomic operations of this task (apart.c) */
    const tg_op *group;    /* a task is all instances of one block of this binder; null: one instance */
    bool permuted;         /* instances are enumerated in another order than that of the nest */
    tg_x86_ahead ahead;    /* what this loop requests before it is needed */
    bool stream;           /* stores of this loop go past the caches */
    bool streamed;         /* some of this task do */
    bool reads_back;       /* it reads what was stored instead of computing it again */
    tg_map *stored;        /* values that stand in a tensor (stored.c) */
    bool fills;            /* it computes a buffer: memory is idle meanwhile */
    uint32_t pass;         /* the nests of this task so far */
    tg_map *first_reads;   /* load → its first pass, a uint32_t * */
    const tg_x86_nest *boxed; /* the points being worked on pass the tests of its boxed accesses */
    tg_map *multiples;           /* indices that are multiples of so many lanes */
    const tg_x86_nest *interior; /* so do the vectors being worked on, those of its bordered ones */
    uint32_t window_row;      /* counts rows of the windows that unrolled loops walk through */
    LLVMValueRef frame, worker, rt;
    struct tg_x86_captures *captures;
    const tg_x86_launch *launch;   /* what the entry knows of this task function; null in the entry */
    TG_VEC(tg_value *) unit_tensors; /* tensors whose unit stride the fast variant relies on */
    TG_VEC(tg_x86_bound_check) bound_checks;
    TG_VEC(LLVMValueRef) cold; /* functions that need not be fast */
    bool reads_constants;               /* of the nest being emitted (constants.c) */
    TG_VEC(tg_x86_constant) constants;  /* those in memory */
    tg_x86_recent recent;
    int64_t scratch_bytes;
    LLVMValueRef scratch;   /* worker->scratch */
    tg_packing packing;     /* of the operand that was packed before the launch */
    tg_few_rows few_rows;   /* of which product code is left out */
    bool plain;             /* the entry uses nothing of rt */
    bool inlines;           /* … and takes in its only tasks */
    LLVMBasicBlockRef instance_start; /* open block at the start of each instance */
    bool uses_alloc;
    bool panels_apart; /* the tiles of a product that runs once in the task are in a function of their own */
    const char *entry_name;
    uint32_t n_tasks_emitted;
    LLVMBasicBlockRef fail; /* block that returns OUT_OF_MEMORY */
    TG_VEC(tg_value *) chain_results;      /* tiles made by partial assignment that may still be read */
    TG_VEC(tg_x86_buffer *) free_buffers;  /* of tiles that nothing reads any more */
    tg_x86_columns *columns; /* strided reads of this nest (transpose.c) */
    tg_x86_turned *turned;   /* squares of a matrix that it turns over (turn.c) */
    LLVMValueRef tile_at[TG_X86_MAX_POINTS]; /* indices of the tile being worked on */
    struct tg_x86_eager *eager; /* of the chain being emitted; null: none (eager.c) */
    LLVMValueRef sink;       /* zero bytes, a vector of them: where loads of no lane read */
    LLVMValueRef zeros;      /* a row of zeros, as long as the range of `zeroed` in elements of 4 bytes; null: none */
    const tg_axis *zeroed;   /* the vector axis of the nest */
} tg_x86;

/* Ends the compilation with UNSUPPORTED; names the op. Does not return. */
_Noreturn void tg_x86_refuse(tg_x86 *x, const tg_op *op, const char *why);

/* ---- runs.c ---- */
LLVMValueRef tg_x86_run_index(tg_x86 *x, LLVMValueRef first, bool inner); /* lanes of the inner or outer axis, from `first` on */

/* ---- schedule.c ---- */
void tg_x86_sched_open(tg_x86 *x);
void tg_x86_sched_obey(tg_x86 *x, const tg_sched_item *item); /* the emitter does what the item says */
/* Ends the compilation (COMPILE) if an item that this target takes was not obeyed. */
void tg_x86_sched_close(tg_x86 *x);
const tg_sched_item *tg_x86_sched_vector(const tg_x86 *x, const tg_axis *a); /* `vector(a)`, or null */
/* Numbers of a phase's binders in the order in which its instances are enumerated, outermost first; false: as they are nested. */
bool tg_x86_sched_order(tg_x86 *x, const tg_op *phase, tg_op *const *pars, uint32_t n, uint32_t *sorted);

/* ---- offer.c: directives that would be obeyed, noted where the decision falls without one ---- */
void tg_x86_offer(tg_x86 *x, const char *target, const char *value); /* null: what has no name cannot be asked for */
/* `key(name)`, or null without a name. */
const char *tg_x86_offer_target(tg_x86 *x, const char *key, const char *name);
/* `vector(a)` with one, two and four times `lanes`. */
void tg_x86_offer_vector(tg_x86 *x, const tg_axis *a, int64_t lanes);
/* Other orders of the binders of a phase. */
void tg_x86_offer_order(tg_x86 *x, const tg_op *phase, tg_op *const *pars, uint32_t n);
const char *tg_x86_name_of_par(const tg_op *par); /* its axis's or scalar's; may be null */

/* ---- elementwise.c, convert.c ---- */
LLVMTypeRef tg_x86_reg_type(tg_x86 *x, tg_dtype t);
LLVMTypeRef tg_x86_mem_type(tg_x86 *x, tg_dtype t);
LLVMTypeRef tg_x86_buf_type(tg_x86 *x, tg_dtype t); /* element of a buffer: registers' type, bool as i8 */
/* Applies an elementwise op (not CONST, IOTA, LOAD, REINDEX). `dtypes` of operands; results of type `to`. */
tg_x86_val tg_x86_apply(tg_x86 *x, const tg_op *op, tg_dtype to, const tg_dtype *from, tg_x86_val *args, uint32_t n);
LLVMValueRef tg_x86_convert(tg_x86 *x, LLVMValueRef v, tg_dtype from, tg_dtype to);
LLVMValueRef tg_x86_round(tg_x86 *x, LLVMValueRef v, tg_dtype t);     /* f32 → nearest f16/bf16/f8/f4, as f32 */
LLVMValueRef tg_x86_from_memory(tg_x86 *x, LLVMValueRef v, tg_dtype t);
LLVMValueRef tg_x86_to_memory(tg_x86 *x, LLVMValueRef v, tg_dtype t);
LLVMValueRef tg_x86_from_buffer(tg_x86 *x, LLVMValueRef v, tg_dtype t);
LLVMValueRef tg_x86_to_buffer(tg_x86 *x, LLVMValueRef v, tg_dtype t);
LLVMValueRef tg_x86_binary(tg_x86 *x, tg_opcode op, tg_dtype t, LLVMValueRef a, LLVMValueRef b); /* rounds 16-bit floats */
LLVMValueRef tg_x86_compare(tg_x86 *x, tg_enum pred, tg_dtype t, LLVMValueRef a, LLVMValueRef b);
tg_x86_val tg_x86_const(tg_x86 *x, const tg_op *op);
LLVMValueRef tg_x86_fast(tg_x86 *x, LLVMValueRef v); /* sets the fast-math flags the kernel grants */

/* ---- constants.c ---- */
/* Operand `v` of `op` on that many lanes. */
LLVMValueRef tg_x86_spread(tg_x86 *x, tg_opcode op, LLVMValueRef v, unsigned lanes);

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
tg_x86_val tg_x86_philox(tg_x86 *x, tg_x86_frame *f, tg_op *op, uint32_t result); /* memoises all results */
/* The scalar region of an op (reduce_fn, map) with its arguments; gives the yielded values. */
void tg_x86_inline_region(tg_x86 *x, tg_region *r, tg_x86_val *args, tg_x86_val *out, LLVMValueRef mask);

enum { TG_X86_CLOSE_LANES = 4 }; /* elements from lane to lane that are still read as whole vectors: strided.c */

/* ---- access.c ---- */
tg_x86_tensor *tg_x86_tensor_of(tg_x86 *x, tg_value *v);
LLVMValueRef tg_x86_scalar_of(tg_x86 *x, tg_value *v); /* rank 0, captured from the entry if need be */
/* Is the load's or store's index d an axis whose domain the entry can compare with the tensor? */
bool tg_x86_checkable_at_launch(const tg_op *op, uint32_t d, tg_value **extent);
bool tg_x86_checked_at_launch(tg_x86 *x, const tg_op *op, uint32_t d); /* in the fast variant: makes the entry do so */
bool tg_x86_may_be_unit(const tg_value *tensor); /* can its last stride be known to be 1 in the fast variant? */
void tg_x86_note_unit(tg_x86 *x, tg_value *tensor); /* the fast variant relies on its last stride being 1 */
bool tg_x86_is_packed(const tg_x86 *x, const tg_value *v); /* (packed.c) a load of the operand that was packed before the launch */
tg_x86_val tg_x86_load_tensor(tg_x86 *x, tg_x86_frame *f, tg_op *op);
void tg_x86_store_tensor(tg_x86 *x, tg_x86_frame *f, tg_op *op);
tg_x86_val tg_x86_load_back(tg_x86 *x, tg_x86_frame *f, tg_op *store); /* of the element that it wrote */
tg_x86_val tg_x86_buffer_load(tg_x86 *x, tg_x86_frame *f, tg_x86_buffer *b);
LLVMValueRef tg_x86_buffer_pointer(tg_x86 *x, tg_x86_frame *f, tg_x86_buffer *b); /* address of a point */
void tg_x86_buffer_store(tg_x86 *x, tg_x86_frame *f, tg_x86_buffer *b, tg_x86_val v);
LLVMValueRef tg_x86_alloca(tg_x86 *x, LLVMTypeRef type);

/* ---- apart.c, atomic.c, buffer.c ---- */
bool tg_x86_is_plain_atomic(const tg_x86 *x, const tg_op *op); /* an ATOMIC that may read, change and write */
tg_x86_val tg_x86_atomic(tg_x86 *x, tg_x86_frame *f, tg_op *op);
tg_x86_buffer *tg_x86_buffer_create(tg_x86 *x, const tg_type *type, tg_axis *innermost);
void tg_x86_buffer_reserve(tg_x86 *x, tg_x86_buffer *b); /* code that makes room: before the first store in a nest */

/* ---- modes.c ---- */
void tg_x86_choose_modes(tg_x86 *x, tg_region *region);
bool tg_x86_can_inline(const tg_op *op);        /* can its value be computed where it is used? */
bool tg_x86_has_scalar_region(const tg_op *op); /* of code that runs for one element */

/* ---- prefetch.c ---- */
/* Asks for the lines of `n` elements from where a LOAD or STORE would begin. */
void tg_x86_prefetch_tensor(tg_x86 *x, tg_x86_frame *f, tg_op *op, unsigned n);
/* What the loop over whole vectors of a nest requests; `stream`: its stores go past the caches. */
tg_x86_ahead tg_x86_ahead_of(const tg_x86 *x, const tg_x86_nest *n, bool stream);

/* ---- plan.c ---- */
/* The root of a dot in a loop's body that writes `v`, which the loop carries on, and that dot (`dot` may be null); null: none does. */
tg_x86_root *tg_x86_root_of_yield(tg_x86 *x, const tg_block *b, const tg_value *v, const struct tg_x86_dot **dot);
void tg_x86_plan(tg_x86 *x, tg_region *region);
/* A nest that copies `v` into buffer `to`. */
tg_x86_nest *tg_x86_copy_nest(tg_x86 *x, tg_value *v, tg_x86_buffer *to);
tg_x86_nest *tg_x86_op_nest(tg_x86 *x, tg_op *op); /* the nest of one root op */
/* Is `v` needed only where the nest's roots run? */
bool tg_x86_never_meet(tg_x86 *x, const tg_op *a, const tg_op *b); /* do two accesses of one tensor never meet, whatever their points? */
bool tg_x86_op_reads(const tg_x86 *x, const tg_op *op, const tg_value *tensor); /* does the root `op`, with all that is computed for it? */
bool tg_x86_used_only_in(const tg_x86 *x, const tg_x86_nest *g, const tg_value *v);

/* ---- stream.c ---- */
/* Should the loop over full vectors of this nest store past the caches? Null: never. Code goes where the builder is. */
bool tg_x86_is_one_line(const tg_x86_nest *n); /* is the innermost loop the only one around it that reduces? */
LLVMValueRef tg_x86_stream_test(tg_x86 *x, const tg_x86_nest *n);
LLVMValueRef tg_x86_is_large(tg_x86 *x, const tg_x86_tensor *t, int64_t least); /* has it so many bytes? Computed once per task */
const tg_axis *tg_x86_axis_of(const tg_value *v); /* whose index `v` is, or null */
bool tg_x86_is_only_use(const tg_op *store); /* of its tensor, once per instance */
void tg_x86_stream_store(tg_x86 *x, LLVMValueRef v, LLVMValueRef at, unsigned align);
void tg_x86_stream_end(tg_x86 *x); /* at the end of a task */

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

/* ---- nest.c, reduce.c ---- */
void tg_x86_emit_nest(tg_x86 *x, tg_x86_nest *n);
void tg_x86_describe_nest(tg_x86 *x, const tg_x86_nest *n); /* a line of the plan's text */
void tg_x86_choose_vector(tg_x86 *x, tg_x86_nest *n); /* vector axis, lanes, unroll: vector.c */
bool tg_x86_may_overlap(const tg_x86 *x, const tg_x86_nest *n); /* may points of the vector axis have two turns, the second of which writes what the first did? */
bool tg_x86_suits_vector(tg_x86 *x, tg_x86_nest *n, const tg_axis *a); /* is no access worse off with lanes along `a`? */
void tg_x86_choose_tile(tg_x86 *x, tg_x86_nest *n); /* tile, unrolled inner axes: tile.c */
/* For a nest that only stores and reads rows across its lanes: a tile of as many points as lanes (turn.c). */
void tg_x86_choose_turn(tg_x86 *x, tg_x86_nest *n);
LLVMValueRef tg_x86_may_turn(tg_x86 *x, const tg_x86_nest *n); /* i1: the strides are as it takes for granted; null: there is nothing to turn */
/* Are the points first … last of the tile axis inside the tensors of all boxed accesses, from the frame `f` to the frame `end`? Null: there
 * are none. */
LLVMValueRef tg_x86_box_holds(tg_x86 *x, const tg_x86_nest *n, const tg_x86_frame *f, const tg_x86_frame *end, LLVMValueRef first,
                              LLVMValueRef last);
bool tg_x86_is_boxed(const tg_x86 *x, const tg_op *op, uint32_t d); /* is the test known to pass here? */
const tg_x86_boxed *tg_x86_box_of(const tg_x86 *x, const tg_op *op, uint32_t d); /* whose test it is then, else null */
/* What the roots of the nest read before its reductions are complete; false if some tile is read at other points than those of the nest. */
bool tg_x86_loads_of(tg_x86 *x, const tg_x86_nest *n, tg_x86_loads *loads);
LLVMValueRef tg_x86_within(tg_x86 *x, LLVMValueRef least, LLVMValueRef most, LLVMValueRef dim); /* 0 <= least, most < dim */
/* The least or greatest value of the index from the frame `f` to the frame `end`, over the points first … last of the tile and all points
 * of the axes that have no index yet. */
LLVMValueRef tg_x86_extreme(tg_x86 *x, const tg_x86_nest *n, const tg_x86_frame *f, const tg_x86_frame *end, const tg_affine *index,
                            bool greatest, LLVMValueRef first, LLVMValueRef last);

/* ---- wrap.c ---- */
/* MIN and MAX of an index where they do nothing; false: they may. */
bool tg_x86_eval_clamped(tg_x86 *x, tg_x86_frame *f, const tg_op *op, tg_x86_val *out);
/* DIV and REM of an index where that is easier than a division; false: it is not. */
bool tg_x86_eval_quotient(tg_x86 *x, tg_x86_frame *f, tg_op *op, tg_x86_val *out);

/* ---- quotient.c: divisors that all lanes share ---- */
bool tg_x86_is_shared_quotient(const tg_x86 *x, const tg_op *op, const tg_axis *vector); /* if lanes run along `vector` */
bool tg_x86_eval_shared_quotient(tg_x86 *x, tg_x86_frame *f, const tg_op *op, tg_x86_val *out);
void tg_x86_branch_rarely(tg_x86 *x, LLVMValueRef test, LLVMBasicBlockRef rare, LLVMBasicBlockRef usual); /* weighted a thousand to one */
/* `index` is `from` and some whole vectors. */
void tg_x86_note_multiple(tg_x86 *x, LLVMValueRef index, LLVMValueRef from);
bool tg_x86_is_multiple(const tg_x86 *x, LLVMValueRef v, unsigned of);

/* ---- interior.c ---- */
void tg_x86_choose_interior(tg_x86 *x, tg_x86_nest *n);
/* Cuts the interval [*lo, *hi) of the vector axis, the other outer axes being at frame `f`, to its interior; maybe to nothing: hi <= lo. */
void tg_x86_interior_of(tg_x86 *x, const tg_x86_nest *n, const tg_x86_frame *f, LLVMValueRef *lo, LLVMValueRef *hi);
typedef struct tg_x86_acc tg_x86_acc; /* accumulators of one root and one output point */
tg_x86_acc *tg_x86_acc_open(tg_x86 *x, tg_x86_root *r, unsigned lanes, tg_x86_frame *f);
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

/* ---- body.c, special.c ---- */
void tg_x86_emit_scalar(tg_x86 *x, tg_op *op);
void tg_x86_mark_cold(tg_x86 *x, LLVMValueRef fn);
void tg_x86_mark_steering(tg_x86 *x, LLVMValueRef fn);
void tg_x86_function_attributes(tg_x86 *x, LLVMValueRef fn);
/* Closes a region (tg_llvm_outline_open); with debug information it stays in its function, which its locations belong to. Its own
 * function, or null. */
LLVMValueRef tg_x86_outline_close(tg_x86 *x, tg_llvm_outline *o, const char *name);
void tg_x86_emit_block(tg_x86 *x, tg_block *b);
void tg_x86_bind_axis(tg_x86 *x, tg_op *op); /* AXIS */
void tg_x86_domain(tg_x86 *x, tg_op *op, LLVMValueRef *lo, LLVMValueRef *hi);
void tg_x86_set_scalar(tg_x86 *x, tg_value *v, tg_x86_val val);
void tg_x86_emit_fail(tg_x86 *x, tg_op *op, tg_x86_frame *f);  /* assert */
void tg_x86_emit_print(tg_x86 *x, tg_op *op);
void tg_x86_emit_sort(tg_x86 *x, tg_op *op);                   /* order.c */
void tg_x86_emit_topk(tg_x86 *x, tg_op *op);
void tg_x86_emit_histogram(tg_x86 *x, tg_op *op);
void tg_x86_emit_special(tg_x86 *x, tg_op *op); /* sort, topk, histogram */

/* ---- points.c ---- */
typedef struct tg_x86_points {
    tg_llvm_loop loop[8];
    tg_x86_place place[8], *outside[8];
    uint32_t n;
    tg_x86_frame *frame; /* of the innermost loop */
} tg_x86_points;
/* Opens a loop for each axis but `leave_out`, the first outermost; scalar code. */
void tg_x86_points_open(tg_x86 *x, tg_x86_points *l, tg_x86_frame *parent, tg_axis *const *axes, uint32_t n, const tg_axis *leave_out);
void tg_x86_points_close(tg_x86 *x, tg_x86_points *l);

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

/* ---- debug.c: source lines; all do nothing unless debug information is asked for ---- */
void tg_x86_debug_open(tg_x86 *x);
void tg_x86_debug_close(tg_x86 *x);
void tg_x86_debug_function(tg_x86 *x, LLVMValueRef fn, const tg_op *op);
void *tg_x86_debug_enter(tg_x86 *x, const tg_op *op); /* code of `op` follows; gives back what leave() restores */
void tg_x86_debug_leave(tg_x86 *x, void *old);
void *tg_x86_debug_scope(const tg_x86 *x);
void tg_x86_debug_return(tg_x86 *x, void *scope, void *location); /* back in an outer function */

/* ---- entry.c, phase.c ---- */
void tg_x86_emit_entry(tg_x86 *x);
bool tg_x86_is_launch_value(const tg_value *v); /* can the entry compute it? */
/* A scalar of a phase's region whose value the entry can compute as well. */
LLVMValueRef tg_x86_launch_value(tg_x86 *x, tg_value *v);
void tg_x86_emit_launch(tg_x86 *x, tg_op *op); /* TEMP, PHASE */
void tg_x86_expand_fills(tg_func *f);          /* FILL as a phase that stores */
extern const char tg_x86_fill_phase[]; /* the name of their phases */
typedef struct tg_x86_task {
    LLVMValueRef fast, general; /* general null: fast serves all */
} tg_x86_task;
/* Slots of a frame: what the task needs of the entry's values, in order of first use. */
typedef enum tg_x86_slot { TG_X86_SLOT_SCALAR, TG_X86_SLOT_IM, TG_X86_SLOT_BASE, TG_X86_SLOT_DIM, TG_X86_SLOT_STRIDE, TG_X86_SLOT_BLOCK } tg_x86_slot;
typedef struct tg_x86_capture { tg_x86_slot kind; const void *key; uint32_t d; } tg_x86_capture;
typedef struct tg_x86_captures { TG_VEC(tg_x86_capture) list; } tg_x86_captures;
/* In a task: the captured thing, loaded in the prologue (once). */
/* The value of a slot, if the entry knows it as a constant; else null. Never emits code. */
LLVMValueRef tg_x86_launch_constant(const tg_x86 *x, tg_x86_slot kind, const void *key, uint32_t d);
LLVMValueRef tg_x86_captured(tg_x86 *x, tg_x86_slot kind, const void *key, uint32_t d, LLVMTypeRef type);
LLVMValueRef tg_x86_worker_alloc(tg_x86 *x, LLVMValueRef bytes); /* returns from the task if there is none */
/* Calls the function of the worker at that offset, with pointers and i64. */
void tg_x86_worker_call(tg_x86 *x, int64_t function, LLVMValueRef *args, unsigned n);
bool tg_x86_is_known(tg_x86 *x, tg_value *v, int64_t *out); /* in the entry: is a scalar a constant there? */
/* (work.c) Are the extents of the phase known, and does it compute so little that a second thread would not pay? */
bool tg_x86_is_little_work(tg_x86 *x, tg_op *phase);
bool tg_x86_is_single_task(const tg_x86 *x); /* will the task function be called for one task alone? */
LLVMValueRef tg_x86_emit_task(tg_x86 *x, tg_op *phase, const char *suffix);
int64_t tg_x86_default_block(tg_x86 *x, const tg_axis *a); /* largest size of a grid block; 0: whole domain */
bool tg_x86_is_few_rows(tg_x86 *x, const tg_axis *a);      /* a grid axis of which an instance has a handful of points */

#endif
