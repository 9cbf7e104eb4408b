/* What a compiled kernel expects of its caller: parameters, dimension variables, launch checks. Made by the
 * front end, stored with the artifact, evaluated at launch without a compiler (signature.c). Pure data, position
 * independent when serialised.
 *
 * Launch: dims are bound in order by `binds`, then `checks` run. Expressions are postfix programs over one stack. */
#ifndef TG_BASE_SIGNATURE_H
#define TG_BASE_SIGNATURE_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/dtype.h"

typedef enum tg_sig_param_kind { TG_SP_IN, TG_SP_OUT, TG_SP_INOUT, TG_SP_SCALAR, TG_SP_PTR } tg_sig_param_kind;

/* element type: a fixed dtype, or type parameter number `type_param` (>= 0) */
typedef struct tg_sig_type { tg_dtype dtype; int32_t type_param; bool wide; } tg_sig_type;

/* Postfix expression. Stack cells are int64 or double, told apart statically by the instruction. */
typedef enum tg_sig_opcode {
    TG_SE_INT,      /* push imm.i */
    TG_SE_FLOAT,    /* push imm.f */
    TG_SE_DIM,      /* push dims[imm.i] */
    TG_SE_SCALAR_I, /* push scalar parameter imm.i as integer (bool: 0/1) */
    TG_SE_SCALAR_F,
    TG_SE_TYPE_IS,  /* push (type parameter imm.i >> 32) == dtype (imm.i & 0xffffffff) */
    TG_SE_TYPE_BITS,/* push bits of type parameter imm.i */
    TG_SE_PRESENT,  /* push 1 if parameter imm.i was given */
    TG_SE_CONTIGUOUS, /* push 1 if tensor parameter imm.i is row-major contiguous */
    TG_SE_ALIGNED,  /* pop n; push 1 if the data of parameter imm.i is n-byte aligned */
    TG_SE_ADD, TG_SE_SUB, TG_SE_MUL, TG_SE_DIV, TG_SE_REM, TG_SE_NEG, TG_SE_MIN, TG_SE_MAX, TG_SE_CEIL_DIV, TG_SE_ABS,
    TG_SE_SHL, TG_SE_SHR, TG_SE_AND, TG_SE_OR, TG_SE_XOR, TG_SE_NOT, /* integers; language semantics (floor division) */
    TG_SE_TDIV, TG_SE_TREM, TG_SE_POPC, TG_SE_CLZ, TG_SE_CTZ, TG_SE_GCD, TG_SE_IS_POW2,
    TG_SE_FADD, TG_SE_FSUB, TG_SE_FMUL, TG_SE_FDIV, TG_SE_FNEG, TG_SE_FMIN, TG_SE_FMAX, TG_SE_FSQRT, TG_SE_I2F, TG_SE_F2I,
    TG_SE_LT, TG_SE_LE, TG_SE_EQ, TG_SE_NE, TG_SE_FLT, TG_SE_FLE, TG_SE_FEQ, TG_SE_FNE, TG_SE_LNOT,
    TG_SE_SELECT /* pop no, yes, test */
} tg_sig_opcode;
typedef struct tg_sig_instr { tg_sig_opcode op; union { int64_t i; double f; } imm; } tg_sig_instr;
typedef struct tg_sig_expr { tg_sig_instr *code; uint32_t n; bool is_float; } tg_sig_expr;

typedef struct tg_sig_param {
    const char *name;
    tg_sig_param_kind kind;
    bool optional, is_const;
    int32_t const_slot; /* index into consts for a const scalar, else -1 */
    tg_sig_type type;
    uint32_t rank;
    bool has_default; tg_scalar default_value; /* scalars */
    tg_sig_expr *shape; /* per dimension, in terms of dims and scalars: for inferring out shapes and for messages */
    const char **shape_text;
} tg_sig_param;

typedef struct tg_sig_dim { const char *name; bool is_const; int32_t const_slot; } tg_sig_dim;

/* dims[dim] := (shape[param][d] - offset) / factor; not divisible is L0903. In binding order. */
typedef struct tg_sig_bind { uint32_t dim, param, d; int64_t factor, offset; } tg_sig_bind;

typedef enum tg_sig_check_kind { TG_SC_DIM_AGREES, TG_SC_SHAPE_EQUALS, TG_SC_WHERE } tg_sig_check_kind;
typedef struct tg_sig_check {
    tg_sig_check_kind kind; /* L0901, L0902, L0904 */
    uint32_t param, d;      /* tensor dimension checked (first two kinds) */
    uint32_t dim;           /* DIM_AGREES */
    tg_sig_expr expr;
    const char *text;       /* as written, for the message */
} tg_sig_check;

/* `sorted(off)`, `unique(perm)`, `ids < V`: verified in checked mode only */
typedef enum tg_sig_fact_kind { TG_SF_SORTED, TG_SF_UNIQUE, TG_SF_LESS, TG_SF_LESS_EQUAL, TG_SF_GREATER, TG_SF_GREATER_EQUAL } tg_sig_fact_kind;
typedef struct tg_sig_fact { tg_sig_fact_kind kind; uint32_t param; tg_sig_expr bound; const char *text; } tg_sig_fact;

typedef struct tg_sig_tparam { const char *name; const tg_dtype *members; uint32_t n_members; } tg_sig_tparam;

typedef struct tg_signature {
    const char *name;
    tg_sig_tparam *tparams; uint32_t n_tparams;
    tg_sig_param *params;   uint32_t n_params;
    tg_sig_dim *dims;       uint32_t n_dims;
    tg_sig_bind *binds;     uint32_t n_binds;
    tg_sig_check *checks;   uint32_t n_checks;
    tg_sig_fact *facts;     uint32_t n_facts;
    uint32_t n_consts;      /* const slots: const dims in order of dims, then const scalar parameters in order */
} tg_signature;

#define TG_MAX_RANK 8

/* A tensor as generated code and the interpreter see it. Strides in elements; may be 0 or negative. */
typedef struct tg_tensor_arg {
    void *data; /* null: absent optional */
    int64_t shape[TG_MAX_RANK];
    int64_t stride[TG_MAX_RANK];
} tg_tensor_arg;

/* An operand that was laid out for a product: its dimension `dim` is cut in panels of `width`, [panel][other dimensions…][width], the last one
 * filled up with zeros. Width 0: an ordinary tensor. In groups, neighbours along dimension `along` lie side by side, [panel][other
 * dimensions…][width][group], and its last group is filled up as well. With `flips`, bytes of one sign meet bytes of the same sign: a line of i32
 * ends each panel, what the sums of its columns start with (targets/x86/dot/dot_groups.c): `flips` times all that is in the column. */
typedef struct tg_packing {
    uint32_t dim, width;
    uint32_t along, group; /* group 0 or 1: none */
    int32_t flips;         /* 0, 128 or -128 */
} tg_packing;

static inline bool tg_packing_is(const tg_packing *p, const tg_packing *q) {
    return p->dim == q->dim && p->width == q->width && p->along == q->along && p->group == q->group && p->flips == q->flips;
}

/* One launch argument as the host gave it. */
typedef struct tg_launch_arg {
    tg_dtype dtype;       /* tensors: element type; scalars: I64/U64/BOOL (value in i) or F64 (value in f); PTR: U64 */
    uint32_t rank;
    const tg_tensor_arg *tensor; /* null for scalars */
    tg_scalar scalar;
    tg_packing packing;
} tg_launch_arg;

enum { TG_SIG_MAX_TYPES = 16, TG_SIG_MAX_DIMS = 64, TG_SIG_MAX_CONSTS = 64 };

typedef struct tg_launch_binding {
    tg_dtype types[TG_SIG_MAX_TYPES];
    int64_t dims[TG_SIG_MAX_DIMS];
    tg_scalar consts[TG_SIG_MAX_CONSTS];
} tg_launch_binding;

/* Binds types and dimensions, runs every check. On failure returns TG_ERROR_LAUNCH or INVALID_ARGUMENT and a message
 * "L0901: K is 512 in A but 768 in B" in `message` (size bytes). No allocation; cheap enough for every launch. */
tg_status tg_signature_bind(const tg_signature *sig, const tg_launch_arg *args, uint32_t n_args, tg_launch_binding *out,
                            char *message, size_t size);
/* Is a scalar given for a parameter of type `to` in its range? No float is an integer. */
bool tg_sig_scalar_fits(tg_scalar v, tg_dtype to);
/* The types that the parameter accepts, "f16, f32". */
void tg_sig_type_list(const tg_sig_tparam *t, char *out, size_t size);
/* Bytes from a tensor's data to the first and past the last that its elements use; both 0 if it is empty. False if they overflow. */
bool tg_launch_arg_spread(const tg_launch_arg *a, int64_t *first, int64_t *end);
/* Extents of an absent-shape out tensor from the others' shapes; false if a dimension stays unknown. */
bool tg_signature_infer_shape(const tg_signature *sig, const tg_launch_binding *b, const tg_launch_arg *args, uint32_t param, int64_t *shape);
/* Types and dimensions from the tensors that are there, no checks: dimensions that none of them gives are TG_DIM_UNKNOWN.
 * For inferring out shapes before a launch. */
#define TG_DIM_UNKNOWN INT64_MIN
void tg_signature_bind_dims(const tg_signature *sig, const tg_launch_arg *args, uint32_t n_args, tg_launch_binding *out);
/* Addresses: distinct tensors do not overlap unless both are `in`, out and inout not themselves (L0905); elements are
 * aligned, 4-bit tensors packed along the last dimension (L0906). After tg_signature_bind. */
tg_status tg_signature_check_memory(const tg_signature *sig, const tg_launch_arg *args, uint32_t n_args, char *message, size_t size);

/* Depth of the stack of a postfix expression. */
#define TG_SIG_STACK 32
/* Types, operands and depth of a program are right. Whoever makes one checks it; tg_sig_eval does not. */
bool tg_sig_expr_valid(const tg_sig_expr *e, const tg_signature *sig);
int64_t tg_sig_eval(const tg_sig_expr *e, const tg_signature *sig, const tg_launch_binding *b, const tg_launch_arg *args, double *as_float);

/* Bytes that tg_signature_read turns back into an equal signature; false on truncated or malformed input. */
void tg_signature_write(const tg_signature *sig, tg_strbuf *out);
tg_signature *tg_signature_read(tg_arena *arena, const void *bytes, size_t size);

#endif
