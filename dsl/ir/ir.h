/* Tile IR: SSA, structured control flow, tiles as sets of named axes. The elaborator makes it, passes rewrite it,
 * the interpreter defines its meaning, targets lower it. See docs/tile-ir.md and ops.def.
 *
 * The picture of a function body at tile level:
 *
 *   launch level    scalar ops, dim, temp, fill, if, for (each), and `phase` ops; a phase sees every store of earlier ones
 *     phase         a perfect nest of `par` (grid binders), between them only pure scalar code (dependent bounds)
 *       par … par   the body of one instance: tiles
 *
 * Validity. Each axis in scope has an index set V(axis) = {first … first+size-1}. A tile is a total function on the valid
 * indices of its axes; nothing exists outside. An axis's `block` is only the schedule's upper limit for size
 * (0 = none: a full axis may have any size). No masks at this level.
 *
 * Types are interned per function: pointer equality is type equality. Values have intrusive use lists.
 * Change IR only through build.c / rewrite functions here, which keep use lists right. Nothing is freed singly. */
#ifndef TG_IR_H
#define TG_IR_H

#include "base/diag.h"
#include "base/dtype.h"
#include "base/order.h"

typedef struct tg_op tg_op;
typedef struct tg_block tg_block;
typedef struct tg_region tg_region;
typedef struct tg_value tg_value;
typedef struct tg_func tg_func;

typedef enum tg_opcode {
#define OP(e, ...) TG_OP_##e,
#include "dsl/ir/ops.def"
#undef OP
    TG_OP_COUNT
} tg_opcode;

typedef enum tg_attr_key {
#define ATTR(e, key, kind) TG_ATTR_##e,
#include "dsl/ir/attrs.def"
#undef ATTR
    TG_ATTR_COUNT
} tg_attr_key;

typedef enum tg_attr_kind { TG_AK_INT, TG_AK_NUM, TG_AK_FLAG, TG_AK_AXIS, TG_AK_AXES, TG_AK_STR, TG_AK_ENUM } tg_attr_kind;

/* values of ENUM attributes; one list for all keys, printed by name */
typedef enum tg_enum {
    TG_ENUM_NONE,
    TG_EQ, TG_NE, TG_LT, TG_LE, TG_GT, TG_GE,                                     /* pred */
    TG_FN_ADD, TG_FN_MUL, TG_FN_MIN, TG_FN_MAX, TG_FN_AND, TG_FN_OR, TG_FN_XOR,   /* fn */
    TG_FN_ARGMIN, TG_FN_ARGMAX, TG_FN_XCHG,
    TG_IEEE, TG_TF32, TG_BF16X3, TG_TF32X3,                                       /* precision */
    TG_RELAXED, TG_ACQUIRE, TG_RELEASE, TG_ACQ_REL, TG_DEVICE, TG_SYSTEM,         /* order, scope */
    TG_PART_RE, TG_PART_IM,
    TG_ENUM_COUNT
} tg_enum;

/* ---- axes and types ------------------------------------------------------------------------------------- */

typedef enum tg_axis_kind { TG_AXIS_GRID, TG_AXIS_LOOP, TG_AXIS_LOCAL } tg_axis_kind;

typedef struct tg_axis {
    tg_name name;   /* source name; not unique */
    uint16_t rank;  /* declaration order, unique in the function: func->axes[rank]; tiles sort by it */
    tg_axis_kind kind;
    int64_t extent; /* the whole domain is [0, extent) with this constant, or -1: dynamic or restricted */
    int64_t block;  /* schedule: size never exceeds this; 0 = unbounded (full axis of dynamic size) */
    bool scheduled; /* a schedule says so: every block but the last has this size, targets choose no smaller one */
    struct tg_axis *like; /* `axis u in t`: same index set as t, whole; else null */
    tg_op *binder;  /* par, for or axis */
    tg_span span;
} tg_axis;

typedef enum tg_type_kind { TG_TYPE_TILE, TG_TYPE_TENSOR } tg_type_kind;

typedef struct tg_type {
    tg_type_kind kind;
    tg_dtype dtype;
    uint16_t n_axes; /* TILE: rank 0 is a scalar */
    uint16_t rank;   /* TENSOR */
    tg_axis *const *axes; /* TILE: sorted by rank, distinct */
} tg_type;

/* ---- values, ops, regions ---------------------------------------------------------------------------------- */

typedef struct tg_use {
    tg_value *value;
    tg_op *user;
    struct tg_use *next, **link; /* list of the value's uses */
} tg_use;

struct tg_value {
    const tg_type *type;
    tg_op *def;       /* the op it is a result of; null for a block argument */
    tg_block *block;  /* the block it is an argument of; null for a result */
    tg_use *uses;
    uint32_t index;   /* result or argument number */
    uint32_t id;      /* dense, unique in the function: for side tables; printing names %id unless `name` */
    tg_name name;     /* source name or null; only for printing */
};

typedef struct tg_attr {
    tg_attr_key key;
    tg_attr_kind kind; /* NUM: INT or NUM; kind says which of i / f holds it (TG_AK_INT or TG_AK_NUM) */
    uint16_t n_axes;
    int64_t i;   /* INT, FLAG (1), ENUM, integer NUM */
    double f;    /* float NUM */
    tg_axis *const *axes; /* AXIS (1), AXES in the order given */
    const char *str;
} tg_attr;

struct tg_block {
    tg_region *parent;
    tg_op *first, *last;
    tg_value **args;
    uint32_t n_args;
};
struct tg_region { tg_op *parent; tg_block body; }; /* exactly one block; parent null for a function body */

struct tg_op {
    tg_opcode opcode;
    bool erased;
    uint16_t n_operands, n_results, n_regions, n_attrs;
    uint32_t id; /* dense, unique in the function */
    tg_op *prev, *next;
    tg_block *parent;
    tg_use *operands;   /* operands[i].value */
    tg_value *results;
    tg_region *regions;
    tg_attr *attrs;     /* sorted by key */
    tg_span span;
};

/* ---- functions ------------------------------------------------------------------------------------------------ */

typedef enum tg_fparam_kind { TG_FP_IN, TG_FP_OUT, TG_FP_INOUT, TG_FP_SCALAR, TG_FP_PTR } tg_fparam_kind;

typedef struct tg_fparam { /* one per kernel parameter, in order; const and absent ones too: the launch ABI counts them */
    tg_name name;
    tg_fparam_kind kind;
    tg_dtype dtype;
    uint32_t rank;
    bool absent;     /* optional tensor not given */
    bool is_const;   /* value folded into the body */
    tg_value *value; /* body.args entry; PTR is a u64 scalar; null if absent or const */
    tg_order order;  /* TENSOR: dimension i here is the launch's dimension tg_order_dimension(order, i) */
    int64_t step;    /* TENSOR: not 0: the indices of the last dimension are multiplied by its stride, which counts as 1 */
    uint32_t dense;  /* bit d: dimension d is joined to the next, which the launch has still to make sure of */
} tg_fparam;

typedef enum tg_fast { TG_FAST_REASSOC = 1, TG_FAST_APPROX = 2, TG_FAST_FTZ = 4, TG_FAST_NONAN = 8, TG_FAST_NOINF = 16, TG_FAST_RECIP = 32 } tg_fast;

/* one assignment of a schedule that is not a plain block size: `reg(m) = 6`, `pack(B) = true`, `order = (n, m)` */
typedef struct tg_sched_item {
    tg_name key;
    tg_axis *axes[4]; uint32_t n_axes; /* axis arguments, if they are axes */
    tg_name arg;                       /* first argument by name (tensor or axis); without arguments the phase it is for; or null */
    int64_t integer;
    tg_name *names; uint32_t n_names;  /* value as name list */
} tg_sched_item;

struct tg_func {
    tg_name name;
    tg_arena *arena;
    tg_interner *names;
    tg_fparam *params;
    uint32_t n_params;
    TG_VEC(tg_axis *) axes; /* by rank */
    tg_region body;         /* args: values of the present, non-const parameters, in order */
    uint32_t next_value_id, next_op_id;
    uint32_t fast;          /* tg_fast bits */
    bool block_dependent;   /* meaning depends on block sizes (uses first/last/size/block/count of a block axis, or reduces one without accumulating) */
    bool nondeterministic;  /* float atomics */
    bool checked;           /* assert active */
    TG_VEC(tg_sched_item) schedule;
    struct tg_type_table *types;
};

/* The item of a schedule: of this axis if `axis`, of this tensor, axis or phase name if `arg`; null if there is none. */
const tg_sched_item *tg_func_scheduled(const tg_func *f, const char *key, const tg_axis *axis, const char *arg);

tg_func *tg_func_create(tg_arena *arena, tg_interner *names, tg_name name);
/* Appends a parameter, and its body argument unless absent or const. */
tg_value *tg_func_add_param(tg_func *f, tg_fparam param);
/* Deep copy with own ids (same arena kind); maps old values/axes if `map` is not null (pointer → pointer). */
tg_func *tg_func_clone(const tg_func *f, tg_arena *arena, tg_map *map);
tg_axis *tg_func_add_axis(tg_func *f, tg_axis_kind kind, tg_name name, tg_span span);

const tg_type *tg_type_scalar(tg_func *f, tg_dtype dtype);
const tg_type *tg_type_tile(tg_func *f, tg_dtype dtype, tg_axis *const *axes, uint32_t n); /* sorts, removes duplicates */
const tg_type *tg_type_with_dtype(tg_func *f, const tg_type *t, tg_dtype dtype);
const tg_type *tg_type_tensor(tg_func *f, tg_dtype dtype, uint32_t rank);
const tg_type *tg_type_union(tg_func *f, tg_dtype dtype, const tg_type *const *types, uint32_t n); /* union of the axes */
const tg_type *tg_type_drop(tg_func *f, const tg_type *t, tg_axis *const *axes, uint32_t n);
bool tg_axes_contain(tg_axis *const *axes, uint32_t n, const tg_axis *a);
bool tg_type_has_axis(const tg_type *t, const tg_axis *a);
bool tg_type_is_scalar(const tg_type *t);
/* axes(a) ⊆ axes(b) */
bool tg_type_axes_within(const tg_type *a, const tg_type *b);
bool tg_type_same_axes(const tg_type *a, const tg_type *b);

/* ---- op facts (from ops.def) -------------------------------------------------------------------------------------- */

typedef enum tg_effect { TG_EFF_NONE, TG_EFF_READ, TG_EFF_WRITE, TG_EFF_ATOMIC, TG_EFF_CONTROL, TG_EFF_IO } tg_effect;
typedef struct tg_op_info {
    const char *mnemonic, *operands, *results, *attrs, *doc;
    tg_effect effect;
    uint8_t n_regions;
} tg_op_info;
const tg_op_info *tg_op_info_of(tg_opcode op);
tg_opcode tg_opcode_from_mnemonic(const char *text, size_t n); /* TG_OP_COUNT if unknown */
bool tg_op_is_elementwise(tg_opcode op); /* one point of the result needs one point of each operand: CONST IOTA … SELECT CAST, math, cplx; also BROADCAST */
bool tg_atomic_fits(tg_enum fn, tg_dtype t); /* is there an ATOMIC `fn` on elements of t? */
bool tg_op_is_math(tg_opcode op);        /* expanded by lower-math: RSQRT … LOGADDEXP (not SQRT) */
const char *tg_enum_name(tg_enum e);
tg_enum tg_enum_from_name(const char *text, size_t n);
const char *tg_attr_key_name(tg_attr_key k);

/* ---- access ------------------------------------------------------------------------------------------------------- */

static inline tg_value *tg_operand(const tg_op *op, uint32_t i) { return op->operands[i].value; }
static inline tg_value *tg_result(const tg_op *op, uint32_t i) { return &op->results[i]; }
const tg_attr *tg_op_attr(const tg_op *op, tg_attr_key key); /* null if absent */
int64_t tg_op_int(const tg_op *op, tg_attr_key key, int64_t otherwise);
tg_axis *tg_op_axis(const tg_op *op, tg_attr_key key); /* null if absent */
tg_enum tg_op_enum(const tg_op *op, tg_attr_key key, tg_enum otherwise);
bool tg_op_reduces_over(const tg_op *op, const tg_axis *axis); /* is it in `over`? */
bool tg_op_flag(const tg_op *op, tg_attr_key key);
const char *tg_op_str(const tg_op *op, tg_attr_key key); /* null if absent */
bool tg_value_const_int(const tg_value *v, int64_t *out);   /* CONST of integer or bool type */
bool tg_value_const_float(const tg_value *v, double *out);
/* operand ranges of the memory ops */
uint32_t tg_op_n_indices(const tg_op *op);            /* rank of operand 0 */
tg_value *tg_op_index(const tg_op *op, uint32_t d);   /* LOAD STORE ATOMIC CAS: index of dimension d */
tg_value *tg_op_else(const tg_op *op);                /* LOAD, REINDEX: else value or null */
tg_value *tg_op_guard(const tg_op *op);               /* STORE, ATOMIC: guard or null */
bool tg_op_is_terminator(const tg_op *op);            /* YIELD or CONDITION */
/* par/for: does region argument 0 hold the index (each)? */
bool tg_op_is_each(const tg_op *op);
uint32_t tg_region_first_carried(const tg_op *op); /* FOR: 1 if each, else 0 */
enum { TG_FOR_CARRIED = 3 }; /* operands of a FOR before the initial values of what it carries: extent, from, until */

/* ---- building -------------------------------------------------------------------------------------------------------- */

typedef struct tg_builder {
    tg_func *func;
    tg_block *block;
    tg_op *before; /* insertion point; null = end of block */
    tg_span span;  /* given to every op built */
} tg_builder;

tg_attr tg_attr_int(tg_attr_key key, int64_t v);
tg_attr tg_attr_float(tg_attr_key key, double v);
tg_attr tg_attr_flag(tg_attr_key key);
tg_attr tg_attr_enum(tg_attr_key key, tg_enum v);
tg_attr tg_attr_axis(tg_arena *arena, tg_attr_key key, tg_axis *a);
tg_attr tg_attr_axes(tg_arena *arena, tg_attr_key key, tg_axis *const *axes, uint32_t n);
tg_attr tg_attr_str(tg_attr_key key, const char *s);

/* The general form. Results get the given types; n_regions empty regions are made (add arguments with tg_block_add_arg). */
tg_op *tg_build_op(tg_builder *b, tg_opcode opcode, tg_value *const *operands, uint32_t n_operands,
                   const tg_type *const *results, uint32_t n_results, const tg_attr *attrs, uint32_t n_attrs);
tg_value *tg_block_add_arg(tg_func *f, tg_block *block, const tg_type *type, tg_name name);
void tg_op_set_attr(tg_func *f, tg_op *op, tg_attr attr); /* add or replace */
void tg_op_remove_attr(tg_op *op, tg_attr_key key);

/* Elementwise ops with rule same / bool: type inferred. */
tg_value *tg_build_unary(tg_builder *b, tg_opcode op, tg_value *x);
tg_value *tg_build_binary(tg_builder *b, tg_opcode op, tg_value *x, tg_value *y);
tg_value *tg_build_fma(tg_builder *b, tg_value *x, tg_value *y, tg_value *z);
tg_value *tg_build_cmp(tg_builder *b, tg_enum pred, tg_value *x, tg_value *y);
tg_value *tg_build_select(tg_builder *b, tg_value *c, tg_value *x, tg_value *y);
tg_value *tg_build_cast(tg_builder *b, tg_value *x, tg_dtype to); /* x itself if it has that dtype */
tg_value *tg_build_bitcast(tg_builder *b, tg_value *x, tg_dtype to);
tg_value *tg_build_int(tg_builder *b, tg_dtype dtype, int64_t v);  /* integer and bool constants */
tg_value *tg_build_float(tg_builder *b, tg_dtype dtype, double v); /* rounded to dtype */
tg_value *tg_build_iota(tg_builder *b, tg_axis *a);
tg_value *tg_build_axis_attr(tg_builder *b, tg_opcode op, tg_axis *a); /* AXIS_FIRST … */
tg_value *tg_build_broadcast(tg_builder *b, tg_value *x, const tg_type *to); /* x itself if equal */
tg_value *tg_build_reduce(tg_builder *b, tg_enum fn, tg_value *x, tg_axis *const *over, uint32_t n);
tg_value *tg_build_dot(tg_builder *b, tg_value *x, tg_value *y, tg_value *acc, tg_axis *const *over, uint32_t n);
tg_value *tg_build_dim(tg_builder *b, tg_value *tensor, uint32_t d);
tg_value *tg_build_load(tg_builder *b, tg_value *tensor, tg_value *const *indices, uint32_t n, tg_value *otherwise);
tg_op *tg_build_store(tg_builder *b, tg_value *tensor, tg_value *value, tg_value *const *indices, uint32_t n, tg_value *guard);
void tg_build_yield(tg_builder *b, tg_value *const *values, uint32_t n);

/* ---- rewriting ------------------------------------------------------------------------------------------------------------ */

void tg_set_operand(tg_op *op, uint32_t i, tg_value *v);
void tg_replace_uses(tg_value *old, tg_value *with);
void tg_op_erase(tg_op *op);                   /* results must be unused; regions are erased too */
void tg_op_move_before(tg_op *op, tg_op *where); /* same function */
/* Copies op (regions too) at the builder's place; `map` gives and receives old value → new value. */
tg_op *tg_op_clone(tg_builder *b, const tg_op *op, tg_map *map);
bool tg_value_has_uses(const tg_value *v);

/* Pre-order walk over ops, nested regions included. `fn` may erase the op it is given. */
typedef void (*tg_walk_fn)(tg_op *op, void *user);
void tg_ir_walk(tg_func *f, tg_walk_fn fn, void *user);
void tg_ir_walk_region(tg_region *r, tg_walk_fn fn, void *user);

/* Does carried value i of a FOR only accumulate: `x = x op …` with one associative operation, perhaps several times, and
 * no other use? *op: ADD (also for dot and fma), MUL, MIN, MAX, AND, OR or XOR. */
bool tg_loop_accumulation(const tg_op *loop, uint32_t i, tg_opcode *op);

/* ---- text and checking ------------------------------------------------------------------------------------------------------ */

void tg_ir_print(const tg_func *f, tg_strbuf *out);
/* Parses what tg_ir_print writes; parse(print(f)) prints equally. Null and diagnostics (code E0104/E0105/E0201…) on bad text. */
tg_func *tg_ir_read(tg_arena *arena, tg_interner *names, tg_diags *diags, uint32_t file);
/* Null if well formed, else an arena text naming the op and the rule that is broken. */
const char *tg_ir_verify(const tg_func *f, tg_arena *arena);

#endif
