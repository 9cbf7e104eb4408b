/* The postfix expressions of a signature: `where` conditions, shape expressions, fact bounds.
 *
 * Programs are checked once, where they are made or read back (tg_sig_expr_valid), so that evaluation on
 * every launch needs no bounds checks. Integers follow the language: 64 bits, wrapping, division rounds down
 * and is total (language.md section 4). */
#include "base/integer.h"
#include "base/signature_internal.h"

#include <math.h>
#include <string.h>

/* ---- shape of an instruction ------------------------------------------------------------------------------- */

typedef enum imm_kind {
    IMM_NONE,
    IMM_VALUE,
    IMM_DIM,
    IMM_SCALAR,
    IMM_TYPE,
    IMM_PARAM,
    IMM_TENSOR
} imm_kind;

typedef struct instr_shape {
    const char *pops; /* types from the bottom: i or f; null: not an instruction */
    char pushes;
    imm_kind imm;
} instr_shape;

/* clang-format off */
static const instr_shape shapes[] = {
    [TG_SE_INT] = {"", 'i', IMM_VALUE},        [TG_SE_FLOAT] = {"", 'f', IMM_VALUE},
    [TG_SE_DIM] = {"", 'i', IMM_DIM},          [TG_SE_SCALAR_I] = {"", 'i', IMM_SCALAR},
    [TG_SE_SCALAR_F] = {"", 'f', IMM_SCALAR},  [TG_SE_TYPE_IS] = {"", 'i', IMM_TYPE},
    [TG_SE_TYPE_BITS] = {"", 'i', IMM_TYPE},   [TG_SE_PRESENT] = {"", 'i', IMM_PARAM},
    [TG_SE_CONTIGUOUS] = {"", 'i', IMM_TENSOR}, [TG_SE_ALIGNED] = {"i", 'i', IMM_TENSOR},
    [TG_SE_ADD] = {"ii", 'i', 0},              [TG_SE_SUB] = {"ii", 'i', 0},
    [TG_SE_MUL] = {"ii", 'i', 0},              [TG_SE_DIV] = {"ii", 'i', 0},
    [TG_SE_REM] = {"ii", 'i', 0},              [TG_SE_NEG] = {"i", 'i', 0},
    [TG_SE_MIN] = {"ii", 'i', 0},              [TG_SE_MAX] = {"ii", 'i', 0},
    [TG_SE_CEIL_DIV] = {"ii", 'i', 0},         [TG_SE_ABS] = {"i", 'i', 0},
    [TG_SE_SHL] = {"ii", 'i', 0},              [TG_SE_SHR] = {"ii", 'i', 0},
    [TG_SE_AND] = {"ii", 'i', 0},              [TG_SE_OR] = {"ii", 'i', 0},
    [TG_SE_XOR] = {"ii", 'i', 0},              [TG_SE_NOT] = {"i", 'i', 0},
    [TG_SE_TDIV] = {"ii", 'i', 0},             [TG_SE_TREM] = {"ii", 'i', 0},
    [TG_SE_POPC] = {"i", 'i', 0},              [TG_SE_CLZ] = {"i", 'i', 0},
    [TG_SE_CTZ] = {"i", 'i', 0},               [TG_SE_GCD] = {"ii", 'i', 0},
    [TG_SE_IS_POW2] = {"i", 'i', 0},           [TG_SE_FADD] = {"ff", 'f', 0},
    [TG_SE_FSUB] = {"ff", 'f', 0},             [TG_SE_FMUL] = {"ff", 'f', 0},
    [TG_SE_FDIV] = {"ff", 'f', 0},             [TG_SE_FNEG] = {"f", 'f', 0},
    [TG_SE_FMIN] = {"ff", 'f', 0},             [TG_SE_FMAX] = {"ff", 'f', 0},
    [TG_SE_FSQRT] = {"f", 'f', 0},             [TG_SE_I2F] = {"i", 'f', 0},
    [TG_SE_F2I] = {"f", 'i', 0},               [TG_SE_LT] = {"ii", 'i', 0},
    [TG_SE_LE] = {"ii", 'i', 0},               [TG_SE_EQ] = {"ii", 'i', 0},
    [TG_SE_NE] = {"ii", 'i', 0},               [TG_SE_FLT] = {"ff", 'i', 0},
    [TG_SE_FLE] = {"ff", 'i', 0},              [TG_SE_FEQ] = {"ff", 'i', 0},
    [TG_SE_FNE] = {"ff", 'i', 0},              [TG_SE_LNOT] = {"i", 'i', 0},
    [TG_SE_SELECT] = {"iii", 'i', 0}, /* yes and no may both be floats: see valid_select */
};
/* clang-format on */
enum { N_SHAPES = sizeof shapes / sizeof shapes[0] };

static bool is_tensor_kind(tg_sig_param_kind kind) {
    return kind == TG_SP_IN || kind == TG_SP_OUT || kind == TG_SP_INOUT;
}

static bool valid_imm(const tg_sig_instr *in, imm_kind kind, const tg_signature *sig) {
    int64_t v = in->imm.i;
    uint64_t u = (uint64_t)v;
    switch (kind) {
    case IMM_NONE:
    case IMM_VALUE:
        return true;
    case IMM_DIM:
        return u < sig->n_dims;
    case IMM_PARAM:
        return u < sig->n_params;
    case IMM_TENSOR:
        return u < sig->n_params && is_tensor_kind(sig->params[u].kind);
    case IMM_SCALAR:
        return u < sig->n_params && !is_tensor_kind(sig->params[u].kind);
    case IMM_TYPE:
        return in->op == TG_SE_TYPE_BITS ? u < sig->n_tparams
                                         : v >= 0 && (uint64_t)(v >> 32) < sig->n_tparams;
    }
    return false;
}

/* Stack of cell types: one bit per cell, set for float. */
typedef struct type_stack {
    char cells[TG_SIG_STACK];
    uint32_t n;
} type_stack;

static bool valid_select(type_stack *s) {
    if (s->n < 3 || s->cells[s->n - 3] != 'i' || s->cells[s->n - 2] != s->cells[s->n - 1]) {
        return false;
    }
    char kind = s->cells[s->n - 1];
    s->n -= 2;
    s->cells[s->n - 1] = kind;
    return true;
}

static bool valid_step(type_stack *s, const tg_sig_instr *in, const tg_signature *sig) {
    if ((unsigned)in->op >= N_SHAPES || !shapes[in->op].pops ||
        !valid_imm(in, shapes[in->op].imm, sig)) {
        return false;
    }
    if (in->op == TG_SE_SELECT) {
        return valid_select(s);
    }
    const char *pops = shapes[in->op].pops;
    uint32_t n = (uint32_t)strlen(pops);
    if (s->n < n || memcmp(s->cells + s->n - n, pops, n) != 0 || s->n - n >= TG_SIG_STACK) {
        return false;
    }
    s->n -= n;
    s->cells[s->n++] = shapes[in->op].pushes;
    return true;
}

bool tg_sig_expr_valid(const tg_sig_expr *e, const tg_signature *sig) {
    type_stack stack = {.n = 0};
    for (uint32_t i = 0; i < e->n; i++) {
        if (!valid_step(&stack, &e->code[i], sig)) {
            return false;
        }
    }
    return stack.n == 1 && stack.cells[0] == (e->is_float ? 'f' : 'i');
}

/* ---- arithmetic ---------------------------------------------------------------------------------------------- */

static int64_t wrap(uint64_t v) {
    return (int64_t)v;
}

static int64_t truncated_div(int64_t x, int64_t y) {
    return y == 0 ? 0 : y == -1 ? wrap(0 - (uint64_t)x) : x / y;
}

static int64_t truncated_rem(int64_t x, int64_t y) {
    return y == 0 ? x : y == -1 ? 0 : x % y;
}

static int64_t floor_div(int64_t x, int64_t y) {
    int64_t q = truncated_div(x, y);
    return y != 0 && truncated_rem(x, y) != 0 && (x < 0) != (y < 0) ? q - 1 : q;
}

static int64_t floor_rem(int64_t x, int64_t y) {
    int64_t r = truncated_rem(x, y);
    return y != 0 && r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

static int64_t ceil_div(int64_t x, int64_t y) {
    return wrap(0 - (uint64_t)floor_div(wrap(0 - (uint64_t)x), y));
}

static int64_t shift_right(int64_t x, int64_t n) {
    return (uint64_t)n >= 64 ? (x < 0 ? -1 : 0) : x >> n;
}

static int64_t float_to_int(double x) {
    if (isnan(x)) {
        return 0;
    }
    return x >= 0x1p63 ? INT64_MAX : x < -0x1p63 ? INT64_MIN : (int64_t)x;
}

static bool is_contiguous(const tg_launch_arg *arg) {
    int64_t expected = 1;
    for (uint32_t d = arg->rank; d-- > 0;) {
        if (arg->tensor->shape[d] > 1 && arg->tensor->stride[d] != expected) {
            return false;
        }
        expected = wrap((uint64_t)expected * (uint64_t)arg->tensor->shape[d]);
    }
    return true;
}

static bool is_aligned(const tg_launch_arg *arg, int64_t bytes) {
    return bytes <= 1 || (uint64_t)(uintptr_t)arg->tensor->data % (uint64_t)bytes == 0;
}

/* clang-format off */
/* Binary operators on integers, comparisons too; false if `op` is none. */
static bool int_binary(tg_sig_opcode op, int64_t x, int64_t y, int64_t *out) {
    switch ((int)op) {
    case TG_SE_ADD: *out = wrap((uint64_t)x + (uint64_t)y); return true;
    case TG_SE_SUB: *out = wrap((uint64_t)x - (uint64_t)y); return true;
    case TG_SE_MUL: *out = wrap((uint64_t)x * (uint64_t)y); return true;
    case TG_SE_DIV: *out = floor_div(x, y); return true;
    case TG_SE_REM: *out = floor_rem(x, y); return true;
    case TG_SE_TDIV: *out = truncated_div(x, y); return true;
    case TG_SE_TREM: *out = truncated_rem(x, y); return true;
    case TG_SE_CEIL_DIV: *out = ceil_div(x, y); return true;
    case TG_SE_MIN: *out = x < y ? x : y; return true;
    case TG_SE_MAX: *out = x > y ? x : y; return true;
    case TG_SE_SHL: *out = (uint64_t)y >= 64 ? 0 : wrap((uint64_t)x << y); return true;
    case TG_SE_SHR: *out = shift_right(x, y); return true;
    case TG_SE_AND: *out = x & y; return true;
    case TG_SE_OR: *out = x | y; return true;
    case TG_SE_XOR: *out = x ^ y; return true;
    case TG_SE_GCD: *out = tg_gcd(x, y); return true;
    case TG_SE_LT: *out = x < y; return true;
    case TG_SE_LE: *out = x <= y; return true;
    case TG_SE_EQ: *out = x == y; return true;
    case TG_SE_NE: *out = x != y; return true;
    default: return false;
    }
}

static bool int_unary(tg_sig_opcode op, int64_t x, int64_t *out) {
    uint64_t u = (uint64_t)x;
    switch ((int)op) {
    case TG_SE_NEG: *out = wrap(0 - u); return true;
    case TG_SE_ABS: *out = x < 0 ? wrap(0 - u) : x; return true;
    case TG_SE_NOT: *out = ~x; return true;
    case TG_SE_POPC: *out = __builtin_popcountll(u); return true;
    case TG_SE_CLZ: *out = u ? __builtin_clzll(u) : 64; return true;
    case TG_SE_CTZ: *out = u ? __builtin_ctzll(u) : 64; return true;
    case TG_SE_IS_POW2: *out = x > 0 && (u & (u - 1)) == 0; return true;
    case TG_SE_LNOT: *out = x == 0; return true;
    default: return false;
    }
}

static bool float_binary(tg_sig_opcode op, double x, double y, double *out) {
    switch ((int)op) {
    case TG_SE_FADD: *out = x + y; return true;
    case TG_SE_FSUB: *out = x - y; return true;
    case TG_SE_FMUL: *out = x * y; return true;
    case TG_SE_FDIV: *out = x / y; return true;
    case TG_SE_FMIN: *out = isnan(x) || isnan(y) ? NAN : x < y ? x : y; return true;
    case TG_SE_FMAX: *out = isnan(x) || isnan(y) ? NAN : x > y ? x : y; return true;
    default: return false;
    }
}

static bool float_compare(tg_sig_opcode op, double x, double y, int64_t *out) {
    switch ((int)op) {
    case TG_SE_FLT: *out = x < y; return true;
    case TG_SE_FLE: *out = x <= y; return true;
    case TG_SE_FEQ: *out = x == y; return true;
    case TG_SE_FNE: *out = x != y; return true;
    default: return false;
    }
}

/* clang-format on */
/* ---- evaluation ---------------------------------------------------------------------------------------------- */

typedef union cell {
    int64_t i;
    double f;
} cell;

typedef struct eval_env {
    const tg_signature *sig;
    const tg_launch_binding *binding;
    const tg_launch_arg *args;
} eval_env;

tg_scalar tg_sig_scalar(const tg_signature *sig, const tg_launch_arg *args, uint32_t param) {
    bool given = args && args[param].dtype != TG_DTYPE_NONE;
    if (!given) {
        return sig->params[param].default_value;
    }
    tg_scalar s = args[param].scalar;
    s.dtype = args[param].dtype;
    return s;
}

/* clang-format off */
/* Instructions without operands. */
static bool push_leaf(const eval_env *v, const tg_sig_instr *in, cell *out) {
    int64_t imm = in->imm.i;
    switch ((int)in->op) {
    case TG_SE_INT: out->i = imm; return true;
    case TG_SE_FLOAT: out->f = in->imm.f; return true;
    case TG_SE_DIM: out->i = v->binding->dims[imm]; return true;
    case TG_SE_TYPE_IS: out->i = (int64_t)v->binding->types[imm >> 32] == (imm & 0xffffffff); return true;
    case TG_SE_TYPE_BITS: out->i = tg_dtype_bits(v->binding->types[imm]); return true;
    case TG_SE_PRESENT: out->i = tg_launch_arg_present(&v->args[imm]); return true;
    case TG_SE_CONTIGUOUS:
        out->i = !tg_launch_arg_present(&v->args[imm]) || is_contiguous(&v->args[imm]);
        return true;
    case TG_SE_SCALAR_I:
    case TG_SE_SCALAR_F: {
        tg_scalar s = tg_sig_scalar(v->sig, v->args, (uint32_t)imm);
        bool is_float = tg_dtype_is_float(s.dtype);
        if (in->op == TG_SE_SCALAR_I) {
            out->i = is_float ? float_to_int(s.f) : s.i;
        } else {
            out->f = is_float ? s.f : s.dtype == TG_U64 ? (double)(uint64_t)s.i : (double)s.i;
        }
        return true;
    }
    default: return false;
    }
}

static cell *apply_conversion(const eval_env *v, const tg_sig_instr *in, cell *top) {
    switch ((int)in->op) {
    case TG_SE_ALIGNED: {
        const tg_launch_arg *arg = &v->args[in->imm.i];
        top->i = !tg_launch_arg_present(arg) || is_aligned(arg, top->i);
        return top;
    }
    case TG_SE_I2F: top->f = (double)top->i; return top;
    case TG_SE_F2I: top->i = float_to_int(top->f); return top;
    case TG_SE_FNEG: top->f = -top->f; return top;
    case TG_SE_FSQRT: top->f = sqrt(top->f); return top;
    case TG_SE_SELECT: top[-2] = top[-2].i ? top[-1] : top[0]; return top - 2;
    default: return top;
    }
}

/* clang-format on */
int64_t tg_sig_eval(const tg_sig_expr *e, const tg_signature *sig, const tg_launch_binding *b,
                    const tg_launch_arg *args, double *as_float) {
    eval_env v = {sig, b, args};
    cell stack[TG_SIG_STACK + 1];
    cell *top = stack; /* stack[0] stays unused, so that `top` always points at a cell */
    stack[0].i = 0;
    for (uint32_t k = 0; k < e->n; k++) {
        const tg_sig_instr *in = &e->code[k];
        int64_t i;
        double f;
        if (push_leaf(&v, in, top + 1)) {
            top++;
        } else if (int_unary(in->op, top->i, &i)) {
            top->i = i;
        } else if (top > stack && int_binary(in->op, top[-1].i, top->i, &i)) {
            (--top)->i = i;
        } else if (top > stack && float_binary(in->op, top[-1].f, top->f, &f)) {
            (--top)->f = f;
        } else if (top > stack && float_compare(in->op, top[-1].f, top->f, &i)) {
            (--top)->i = i;
        } else {
            top = apply_conversion(&v, in, top);
        }
    }
    if (as_float) {
        *as_float = e->is_float ? top->f : (double)top->i;
    }
    return e->is_float ? float_to_int(top->f) : top->i;
}
