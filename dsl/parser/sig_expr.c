/* Expressions over dimensions, scalars, types and constants, compiled to the postfix programs of a signature:
 * `where` conditions, shape expressions, bounds of content facts, `when` of a schedule.
 *
 * This is a small second reading of expressions beside the elaborator, because these run on every launch without
 * a compiler: three types of cells (integer, float, bool), integers all of 64 bits. See base/signature_eval.c. */
#include "dsl/parser/sig_internal.h"

#include <math.h>
#include <string.h>

typedef enum cell_type { CELL_BAD, CELL_INT, CELL_FLOAT, CELL_BOOL } cell_type;

typedef struct compiler {
    const tg_sig_env *env;
    const tg_signature *sig;
    TG_VEC(tg_sig_instr) code;
} compiler;

typedef struct operand {
    cell_type type;
    bool literal; /* untyped: adapts to a float */
    uint32_t end; /* where its code ends */
} operand;

static operand compile(compiler *c, const tg_expr *x);

static void emit(compiler *c, tg_sig_opcode op, int64_t imm) {
    tg_sig_instr in = {.op = op, .imm.i = imm};
    tg_vec_push(c->env->arena, &c->code, in);
}

static void emit_float(compiler *c, double v) {
    tg_sig_instr in = {.op = TG_SE_FLOAT, .imm.f = v};
    tg_vec_push(c->env->arena, &c->code, in);
}

static operand result(const compiler *c, cell_type type) {
    return (operand){type, false, c->code.len};
}

static operand bad(const compiler *c) {
    return result(c, CELL_BAD);
}

static operand report(compiler *c, tg_diag_code code, tg_span span, const char *message) {
    tg_report(c->env->diags, code, span, "%s", message);
    return bad(c);
}

/* Inserts the conversion to float behind the code of an operand that is not the last one. */
static void insert_to_float(compiler *c, uint32_t at) {
    emit(c, TG_SE_I2F, 0);
    tg_sig_instr last = c->code.data[c->code.len - 1];
    memmove(&c->code.data[at + 1], &c->code.data[at], sizeof last * (c->code.len - 1 - at));
    c->code.data[at] = last;
}

static const char *type_text(cell_type t) {
    return t == CELL_INT ? "int" : t == CELL_FLOAT ? "a float" : "bool";
}

/* Brings both operands to one type; the right one's code is last. */
static cell_type unify(compiler *c, const operand *left, const operand *right, tg_span span) {
    if (left->type == CELL_BAD || right->type == CELL_BAD) {
        return CELL_BAD;
    }
    if (left->type == right->type) {
        return left->type;
    }
    if (left->type == CELL_INT && right->type == CELL_FLOAT && left->literal) {
        insert_to_float(c, left->end);
        return CELL_FLOAT;
    }
    if (left->type == CELL_FLOAT && right->type == CELL_INT && right->literal) {
        emit(c, TG_SE_I2F, 0);
        return CELL_FLOAT;
    }
    tg_report(c->env->diags, TG_E0203, span, "no common type for %s and %s; convert one",
              type_text(left->type), type_text(right->type));
    return CELL_BAD;
}

/* ---- names --------------------------------------------------------------------------------------------------- */

static operand push_scalar_value(compiler *c, tg_scalar v) {
    if (tg_dtype_is_float(v.dtype)) {
        emit_float(c, v.f);
        return result(c, CELL_FLOAT);
    }
    emit(c, TG_SE_INT, v.i);
    return result(c, v.dtype == TG_BOOL ? CELL_BOOL : CELL_INT);
}

/* A parameter typed by a type parameter is a float if all its members are. */
static tg_dtype representative(const tg_signature *sig, tg_sig_type t) {
    if (t.type_param < 0) {
        return t.dtype;
    }
    const tg_sig_tparam *p = &sig->tparams[t.type_param];
    for (uint32_t i = 0; i < p->n_members; i++) {
        if (tg_dtype_is_float(p->members[i])) {
            return TG_F64;
        }
    }
    return TG_I64;
}

static operand push_param(compiler *c, int32_t i, tg_span span) {
    const tg_sig_param *p = &c->sig->params[i];
    if (tg_sig_is_tensor(p)) {
        if (p->optional) {
            emit(c, TG_SE_PRESENT, i);
            return result(c, CELL_BOOL);
        }
        tg_diag *d =
            tg_report(c->env->diags, TG_E0212, span,
                      "elements of '%s' cannot be read in a launch condition", p->name);
        tg_diag_add_help(c->env->diags, d,
                         "a fact about all its elements is written `%s < bound`, `sorted(%s)` "
                         "or `unique(%s)`",
                         p->name, p->name, p->name);
        return bad(c);
    }
    tg_dtype t = p->kind == TG_SP_PTR ? TG_U64 : representative(c->sig, p->type);
    if (tg_dtype_is_float(t)) {
        emit(c, TG_SE_SCALAR_F, i);
        return result(c, CELL_FLOAT);
    }
    emit(c, TG_SE_SCALAR_I, i);
    return result(c, t == TG_BOOL ? CELL_BOOL : CELL_INT);
}

static void report_unknown(compiler *c, tg_name name, tg_span span) {
    const tg_signature *sig = c->sig;
    uint32_t n = 0, total = sig->n_params + sig->n_dims + sig->n_tparams;
    const char **names = TG_NEW_ARRAY(c->env->arena, const char *, total);
    for (uint32_t i = 0; i < sig->n_params; i++) {
        names[n++] = sig->params[i].name;
    }
    for (uint32_t i = 0; i < sig->n_dims; i++) {
        names[n++] = sig->dims[i].name;
    }
    for (uint32_t i = 0; i < sig->n_tparams; i++) {
        names[n++] = sig->tparams[i].name;
    }
    const char *near = tg_suggest(name, names, n);
    tg_diag *d = tg_report(c->env->diags, TG_E0201, span, "unknown name '%s'%s%s%s", name,
                           near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    if (near) {
        tg_diag_add_edit(c->env->diags, d, span, near);
    }
}

static operand compile_name(compiler *c, const tg_expr *x) {
    tg_name name = x->u.name.name;
    int32_t i = tg_sig_find_dim(c->sig, name);
    if (i >= 0) {
        emit(c, TG_SE_DIM, i);
        return result(c, CELL_INT);
    }
    i = tg_sig_find_param(c->sig, name);
    if (i >= 0) {
        return push_param(c, i, x->span);
    }
    tg_scalar v;
    if (c->env->constant && c->env->constant(c->env->user, name, &v)) {
        return push_scalar_value(c, v);
    }
    if (tg_sig_find_tparam(c->sig, name) >= 0) {
        return report(c, TG_E0208, x->span,
                      "a type stands here only in a comparison such as `T == bf16`");
    }
    report_unknown(c, name, x->span);
    return bad(c);
}

/* ---- operators ----------------------------------------------------------------------------------------------- */

typedef struct op_row {
    tg_sig_opcode on_int, on_float; /* TG_SE_INT: not defined */
    bool swapped;                   /* a > b is b < a */
    bool gives_bool;
} op_row;

/* clang-format off */
static const op_row rows[] = {
    [TG_OPER_MUL] = {TG_SE_MUL, TG_SE_FMUL, false, false}, [TG_OPER_DIV] = {TG_SE_DIV, TG_SE_FDIV, false, false},
    [TG_OPER_REM] = {TG_SE_REM, TG_SE_INT, false, false},  [TG_OPER_ADD] = {TG_SE_ADD, TG_SE_FADD, false, false},
    [TG_OPER_SUB] = {TG_SE_SUB, TG_SE_FSUB, false, false}, [TG_OPER_SHL] = {TG_SE_SHL, TG_SE_INT, false, false},
    [TG_OPER_SHR] = {TG_SE_SHR, TG_SE_INT, false, false},  [TG_OPER_AND] = {TG_SE_AND, TG_SE_INT, false, false},
    [TG_OPER_XOR] = {TG_SE_XOR, TG_SE_INT, false, false},  [TG_OPER_OR] = {TG_SE_OR, TG_SE_INT, false, false},
    [TG_OPER_LT] = {TG_SE_LT, TG_SE_FLT, false, true},     [TG_OPER_LE] = {TG_SE_LE, TG_SE_FLE, false, true},
    [TG_OPER_GT] = {TG_SE_LT, TG_SE_FLT, true, true},      [TG_OPER_GE] = {TG_SE_LE, TG_SE_FLE, true, true},
    [TG_OPER_EQ] = {TG_SE_EQ, TG_SE_FEQ, false, true},     [TG_OPER_NE] = {TG_SE_NE, TG_SE_FNE, false, true},
    [TG_OPER_LAND] = {TG_SE_AND, TG_SE_INT, false, true},  [TG_OPER_LOR] = {TG_SE_OR, TG_SE_INT, false, true},
};

/* clang-format on */
/* T == bf16: TYPE_IS, with the type parameter on either side. */
static bool compile_type_test(compiler *c, const tg_expr *x) {
    const tg_expr *l = x->u.binary.left, *r = x->u.binary.right;
    bool equal = x->u.binary.op == TG_OPER_EQ;
    if (!equal && x->u.binary.op != TG_OPER_NE) {
        return false;
    }
    if (r->kind == TG_EXPR_NAME && l->kind == TG_EXPR_TYPE) {
        const tg_expr *t = l;
        l = r;
        r = t;
    }
    tg_name name = l->kind == TG_EXPR_NAME   ? l->u.name.name
                   : l->kind == TG_EXPR_TYPE ? l->u.type.type->name
                                             : NULL;
    int32_t t = name ? tg_sig_find_tparam(c->sig, name) : -1;
    if (t < 0 || r->kind != TG_EXPR_TYPE || r->u.type.type->dtype == TG_DTYPE_NONE) {
        return false;
    }
    emit(c, TG_SE_TYPE_IS, (int64_t)t << 32 | (int64_t)r->u.type.type->dtype);
    if (!equal) {
        emit(c, TG_SE_LNOT, 0);
    }
    return true;
}

static bool wants_bool(tg_operator op) {
    return op == TG_OPER_LAND || op == TG_OPER_LOR;
}

static operand compile_binary(compiler *c, const tg_expr *x) {
    tg_operator op = x->u.binary.op;
    if (compile_type_test(c, x)) {
        return result(c, CELL_BOOL);
    }
    const op_row *row = &rows[op];
    operand first = compile(c, row->swapped ? x->u.binary.right : x->u.binary.left);
    operand second = compile(c, row->swapped ? x->u.binary.left : x->u.binary.right);
    cell_type t = unify(c, &first, &second, x->u.binary.op_span);
    if (t == CELL_BAD) {
        return bad(c);
    }
    if (wants_bool(op) && t != CELL_BOOL) {
        return report(c, TG_E0206, x->span, "a number is no condition; write `!= 0`");
    }
    tg_sig_opcode code = t == CELL_FLOAT ? row->on_float : row->on_int;
    bool equality = op == TG_OPER_EQ || op == TG_OPER_NE;
    if (code == TG_SE_INT || (t == CELL_BOOL && !wants_bool(op) && !equality)) {
        tg_report(c->env->diags, TG_E0207, x->u.binary.op_span,
                  "this operator is not defined for %s", type_text(t));
        return bad(c);
    }
    emit(c, code, 0);
    operand out = result(c, row->gives_bool ? CELL_BOOL : t);
    out.literal = first.literal && second.literal && !row->gives_bool;
    return out;
}

static operand compile_unary(compiler *c, const tg_expr *x) {
    operand v = compile(c, x->u.unary.operand);
    if (v.type == CELL_BAD) {
        return v;
    }
    tg_operator op = x->u.unary.op;
    bool good = op == TG_OPER_LNOT   ? v.type == CELL_BOOL
                : op == TG_OPER_BNOT ? v.type == CELL_INT
                                     : v.type != CELL_BOOL;
    if (!good) {
        return report(c, op == TG_OPER_LNOT ? TG_E0206 : TG_E0207, x->span,
                      "this operator is not defined here");
    }
    emit(c,
         op == TG_OPER_LNOT     ? TG_SE_LNOT
         : op == TG_OPER_BNOT   ? TG_SE_NOT
         : v.type == CELL_FLOAT ? TG_SE_FNEG
                                : TG_SE_NEG,
         0);
    v.end = c->code.len;
    return v;
}

static operand compile_cond(compiler *c, const tg_expr *x) {
    operand test = compile(c, x->u.cond.test);
    operand yes = compile(c, x->u.cond.yes);
    operand no = compile(c, x->u.cond.no);
    if (test.type != CELL_BOOL && test.type != CELL_BAD) {
        return report(c, TG_E0206, x->u.cond.test->span,
                      "a number is no condition; write `!= 0`");
    }
    cell_type t = unify(c, &yes, &no, x->span);
    if (t == CELL_BAD || test.type == CELL_BAD) {
        return bad(c);
    }
    emit(c, TG_SE_SELECT, 0);
    return result(c, t);
}

/* ---- functions ----------------------------------------------------------------------------------------------- */

typedef struct fn_row {
    const char *name;
    uint32_t n_args;
    tg_sig_opcode on_int, on_float; /* TG_SE_INT: not defined */
    bool gives_bool;
} fn_row;

/* clang-format off */
static const fn_row functions[] = {
    {"min", 2, TG_SE_MIN, TG_SE_FMIN, false},       {"max", 2, TG_SE_MAX, TG_SE_FMAX, false},
    {"ceil_div", 2, TG_SE_CEIL_DIV, TG_SE_INT, false}, {"tdiv", 2, TG_SE_TDIV, TG_SE_INT, false},
    {"trem", 2, TG_SE_TREM, TG_SE_INT, false},      {"gcd", 2, TG_SE_GCD, TG_SE_INT, false},
    {"abs", 1, TG_SE_ABS, TG_SE_INT, false},        {"popc", 1, TG_SE_POPC, TG_SE_INT, false},
    {"clz", 1, TG_SE_CLZ, TG_SE_INT, false},        {"ctz", 1, TG_SE_CTZ, TG_SE_INT, false},
    {"is_pow2", 1, TG_SE_IS_POW2, TG_SE_INT, true}, {"sqrt", 1, TG_SE_INT, TG_SE_FSQRT, false},
};

/* clang-format on */
static const fn_row *find_function(tg_name name) {
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (strcmp(functions[i].name, name) == 0) {
            return &functions[i];
        }
    }
    return NULL;
}

static operand call_function(compiler *c, const fn_row *f, const tg_expr *x) {
    if (x->u.call.n_args != f->n_args) {
        tg_report(c->env->diags, TG_E0208, x->span, "%s takes %u argument%s, %u given", f->name,
                  f->n_args, f->n_args == 1 ? "" : "s", x->u.call.n_args);
        return bad(c);
    }
    operand first = compile(c, x->u.call.args[0].value);
    cell_type t = first.type;
    if (f->n_args == 2) {
        operand second = compile(c, x->u.call.args[1].value);
        t = unify(c, &first, &second, x->span);
    }
    if (t == CELL_BAD) {
        return bad(c);
    }
    tg_sig_opcode op = t == CELL_FLOAT ? f->on_float : t == CELL_INT ? f->on_int : TG_SE_INT;
    if (op == TG_SE_INT) {
        tg_report(c->env->diags, TG_E0207, x->span,
                  "%s is not defined for %s in a launch condition", f->name, type_text(t));
        return bad(c);
    }
    emit(c, op, 0);
    return result(c, f->gives_bool ? CELL_BOOL : t);
}

/* contiguous(X), aligned(X, bytes) */
static operand call_memory(compiler *c, const tg_expr *x, bool aligned) {
    uint32_t wants = aligned ? 2 : 1;
    const tg_expr *arg = x->u.call.n_args ? x->u.call.args[0].value : NULL;
    int32_t i =
        arg && arg->kind == TG_EXPR_NAME ? tg_sig_find_param(c->sig, arg->u.name.name) : -1;
    if (x->u.call.n_args != wants || i < 0 || !tg_sig_is_tensor(&c->sig->params[i])) {
        return report(c, TG_E0208, x->span,
                      aligned ? "aligned takes a tensor and a number of bytes"
                              : "contiguous takes a tensor");
    }
    if (!aligned) {
        emit(c, TG_SE_CONTIGUOUS, i);
        return result(c, CELL_BOOL);
    }
    operand n = compile(c, x->u.call.args[1].value);
    if (n.type != CELL_INT) {
        return n.type == CELL_BAD ? n
                                  : report(c, TG_E0203, x->u.call.args[1].value->span,
                                           "the alignment is a number of bytes");
    }
    emit(c, TG_SE_ALIGNED, i);
    return result(c, CELL_BOOL);
}

static operand call_sizeof(compiler *c, const tg_expr *x) {
    const tg_expr *arg = x->u.call.n_args == 1 ? x->u.call.args[0].value : NULL;
    tg_name name = !arg                        ? NULL
                   : arg->kind == TG_EXPR_NAME ? arg->u.name.name
                   : arg->kind == TG_EXPR_TYPE ? arg->u.type.type->name
                                               : NULL;
    int32_t t = name ? tg_sig_find_tparam(c->sig, name) : -1;
    if (t >= 0) {
        emit(c, TG_SE_TYPE_BITS, t);
        emit(c, TG_SE_INT, 8);
        emit(c, TG_SE_DIV, 0);
        return result(c, CELL_INT);
    }
    if (arg && arg->kind == TG_EXPR_TYPE && arg->u.type.type->dtype != TG_DTYPE_NONE) {
        emit(c, TG_SE_INT, tg_dtype_bits(arg->u.type.type->dtype) / 8);
        return result(c, CELL_INT);
    }
    return report(c, TG_E0208, x->span, "sizeof takes a type");
}

static operand call_conversion(compiler *c, const tg_expr *x, tg_dtype to) {
    operand v = x->u.call.n_args == 1
                    ? compile(c, x->u.call.args[0].value)
                    : report(c, TG_E0208, x->span, "a conversion takes one argument");
    if (v.type == CELL_BAD) {
        return v;
    }
    bool to_float = tg_dtype_is_float(to);
    if (to_float != (v.type == CELL_FLOAT)) {
        emit(c, to_float ? TG_SE_I2F : TG_SE_F2I, 0);
    }
    return result(c, to_float ? CELL_FLOAT : CELL_INT);
}

/* The name used elsewhere for one of ours (suggest.def), or a near one. */
static void suggest_function(compiler *c, tg_diag *d, tg_name name, tg_span span) {
    static const struct {
        const char *spelling, *replacement, *help;
    } idioms[] = {
#define IDIOM(spelling, replacement, help) {spelling, replacement, help},
#include "dsl/parser/suggest.def"
#undef IDIOM
    };
    const char *names[sizeof functions / sizeof functions[0]];
    size_t n = sizeof functions / sizeof functions[0];
    for (size_t i = 0; i < n; i++) {
        names[i] = functions[i].name;
    }
    const char *better = tg_suggest(name, names, n);
    for (size_t i = 0; i < sizeof idioms / sizeof idioms[0]; i++) {
        bool known = idioms[i].replacement && find_function(idioms[i].replacement);
        better =
            known && strcmp(idioms[i].spelling, name) == 0 ? idioms[i].replacement : better;
    }
    if (better) {
        tg_diag_add_edit(c->env->diags, d, span, better);
    }
}

static operand compile_call(compiler *c, const tg_expr *x) {
    const tg_expr *callee = x->u.call.callee;
    if (callee->kind == TG_EXPR_TYPE && callee->u.type.type->dtype != TG_DTYPE_NONE) {
        return call_conversion(c, x, callee->u.type.type->dtype);
    }
    if (callee->kind != TG_EXPR_NAME) {
        return report(c, TG_E0212, x->span, "a launch condition calls built-in functions only");
    }
    tg_name name = callee->u.name.name;
    if (strcmp(name, "contiguous") == 0 || strcmp(name, "aligned") == 0) {
        return call_memory(c, x, name[0] == 'a');
    }
    if (strcmp(name, "sizeof") == 0) {
        return call_sizeof(c, x);
    }
    const fn_row *f = find_function(name);
    if (f) {
        return call_function(c, f, x);
    }
    tg_diag *d = tg_report(c->env->diags, TG_E0201, callee->span,
                           "'%s' is no function of launch conditions", name);
    suggest_function(c, d, name, callee->span);
    tg_diag_add_help(
        c->env->diags, d,
        "there are contiguous aligned sizeof min max abs ceil_div tdiv trem gcd popc clz ctz "
        "is_pow2 sqrt, and the facts sorted and unique");
    return bad(c);
}

static operand compile(compiler *c, const tg_expr *x) {
    operand literal;
    switch (x->kind) {
    case TG_EXPR_INT:
        emit(c, TG_SE_INT, (int64_t)x->u.integer.value);
        literal = result(c, CELL_INT);
        literal.literal = true;
        return literal;
    case TG_EXPR_FLOAT:
        emit_float(c, x->u.number.value);
        return result(c, CELL_FLOAT);
    case TG_EXPR_INF:
    case TG_EXPR_NAN:
        emit_float(c, x->kind == TG_EXPR_INF ? (double)INFINITY : (double)NAN);
        return result(c, CELL_FLOAT);
    case TG_EXPR_BOOL:
        emit(c, TG_SE_INT, x->u.boolean.value);
        return result(c, CELL_BOOL);
    case TG_EXPR_NAME:
        return compile_name(c, x);
    case TG_EXPR_UNARY:
        return compile_unary(c, x);
    case TG_EXPR_BINARY:
        return compile_binary(c, x);
    case TG_EXPR_COND:
        return compile_cond(c, x);
    case TG_EXPR_CALL:
        return compile_call(c, x);
    case TG_EXPR_POISON:
        return bad(c);
    case TG_EXPR_STRING:
    case TG_EXPR_TYPE:
    case TG_EXPR_TUPLE:
    case TG_EXPR_INDEX:
    case TG_EXPR_MEMBER:
    case TG_EXPR_ELEMENT:
        break;
    }
    return report(c, TG_E0212, x->span,
                  "only dimensions, scalar parameters, types and constants are known when a "
                  "kernel is launched");
}

/* ---- entry points -------------------------------------------------------------------------------------------- */

static bool build(const tg_sig_env *env, const tg_signature *sig, const tg_expr *x,
                  tg_sig_expr *out, cell_type *type) {
    compiler c = {.env = env, .sig = sig};
    operand v = compile(&c, x);
    *type = v.type;
    if (v.type == CELL_BAD) {
        return false;
    }
    *out = (tg_sig_expr){c.code.data, c.code.len, v.type == CELL_FLOAT};
    if (!tg_sig_expr_valid(out, sig)) {
        tg_report(env->diags, TG_E0212, x->span,
                  "this expression nests too deeply for a launch condition");
        return false;
    }
    return true;
}

bool tg_sig_expr_build(const tg_sig_env *env, const tg_signature *sig, const tg_expr *x,
                       tg_sig_expr *out, bool *is_bool) {
    cell_type type;
    bool good = build(env, sig, x, out, &type);
    *is_bool = type == CELL_BOOL;
    return good;
}

bool tg_sig_make_int(const tg_sig_env *env, const tg_signature *sig, const tg_expr *x,
                     tg_sig_expr *out) {
    cell_type type;
    if (!build(env, sig, x, out, &type)) {
        return false;
    }
    if (type != CELL_INT) {
        tg_report(env->diags, TG_E0304, x->span, "a dimension is an integer, this is %s",
                  type_text(type));
        return false;
    }
    return true;
}

bool tg_sig_make_constant(const tg_sig_env *env, const tg_expr *x, tg_dtype to,
                          tg_scalar *out) {
    static const tg_signature empty = {.name = ""};
    cell_type type;
    tg_sig_expr e;
    if (!build(env, &empty, x, &e, &type)) {
        return false;
    }
    static const tg_launch_binding none; /* no dimension is read */
    double f = 0;
    int64_t i = tg_sig_eval(&e, &empty, &none, NULL, &f);
    tg_scalar v = type == CELL_FLOAT
                      ? (tg_scalar){.dtype = TG_F64, .f = f}
                      : (tg_scalar){.dtype = type == CELL_BOOL ? TG_BOOL : TG_I64, .i = i};
    bool from_float = type == CELL_FLOAT, to_int = tg_dtype_is_int(to) || to == TG_BOOL;
    if (from_float && to_int) {
        tg_report(env->diags, TG_E0204, x->span, "a float is no default for %s",
                  tg_dtype_name(to));
        return false;
    }
    *out = tg_scalar_convert(v, to);
    if (to_int && to != TG_U64 && out->i != i) {
        tg_report(env->diags, TG_E0205, x->span, "%lld does not fit %s", (long long)i,
                  tg_dtype_name(to));
        return false;
    }
    return true;
}

/* ---- where --------------------------------------------------------------------------------------------------- */

/* The tensor a bare name stands for, or -1. */
static int32_t bare_tensor(const tg_signature *sig, const tg_expr *x) {
    int32_t i = x->kind == TG_EXPR_NAME ? tg_sig_find_param(sig, x->u.name.name) : -1;
    return i >= 0 && tg_sig_is_tensor(&sig->params[i]) && !sig->params[i].optional ? i : -1;
}

static void add_fact(tg_sig_maker *m, tg_sig_fact_kind kind, int32_t param, tg_sig_expr bound,
                     const tg_expr *x) {
    tg_sig_fact f = {kind, (uint32_t)param, bound, tg_sig_source_text(m->env, x->span)};
    tg_vec_push(m->env->arena, &m->facts, f);
}

/* sorted(off), unique(perm); true if it is one, even a wrong one */
static bool make_call_fact(tg_sig_maker *m, const tg_expr *x) {
    if (x->kind != TG_EXPR_CALL || x->u.call.callee->kind != TG_EXPR_NAME) {
        return false;
    }
    tg_name name = x->u.call.callee->u.name.name;
    bool sorted = strcmp(name, "sorted") == 0;
    if (!sorted && strcmp(name, "unique") != 0) {
        return false;
    }
    int32_t t = x->u.call.n_args == 1 ? bare_tensor(m->sig, x->u.call.args[0].value) : -1;
    if (t < 0 || m->sig->params[t].rank != 1 || m->sig->params[t].kind == TG_SP_OUT) {
        tg_report(m->env->diags, TG_E0208, x->span,
                  "%s takes a tensor of one dimension that the kernel reads", name);
        return true;
    }
    add_fact(m, sorted ? TG_SF_SORTED : TG_SF_UNIQUE, t, (tg_sig_expr){0}, x);
    return true;
}

/* ids < V, 0 <= ids */
static bool make_compare_fact(tg_sig_maker *m, const tg_expr *x) {
    if (x->kind != TG_EXPR_BINARY) {
        return false;
    }
    static const struct {
        tg_operator op;
        tg_sig_fact_kind left, right;
    } kinds[] = {
        {TG_OPER_LT, TG_SF_LESS, TG_SF_GREATER},
        {TG_OPER_LE, TG_SF_LESS_EQUAL, TG_SF_GREATER_EQUAL},
        {TG_OPER_GT, TG_SF_GREATER, TG_SF_LESS},
        {TG_OPER_GE, TG_SF_GREATER_EQUAL, TG_SF_LESS_EQUAL},
    };
    int32_t left = bare_tensor(m->sig, x->u.binary.left),
            right = bare_tensor(m->sig, x->u.binary.right);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        if (kinds[k].op != x->u.binary.op || (left < 0) == (right < 0)) {
            continue;
        }
        tg_sig_expr bound;
        bool is_bool;
        const tg_expr *other = left >= 0 ? x->u.binary.right : x->u.binary.left;
        if (tg_sig_expr_build(m->env, m->sig, other, &bound, &is_bool)) {
            add_fact(m, left >= 0 ? kinds[k].left : kinds[k].right, left >= 0 ? left : right,
                     bound, x);
        }
        return true;
    }
    return false;
}

void tg_sig_make_where(tg_sig_maker *m, const tg_expr *x) {
    if (x->kind == TG_EXPR_BINARY && x->u.binary.op == TG_OPER_LAND) {
        tg_sig_make_where(m, x->u.binary.left);
        tg_sig_make_where(m, x->u.binary.right);
        return;
    }
    if (make_call_fact(m, x) || make_compare_fact(m, x)) {
        return;
    }
    tg_sig_check check = {.kind = TG_SC_WHERE, .text = tg_sig_source_text(m->env, x->span)};
    bool is_bool;
    if (!tg_sig_expr_build(m->env, m->sig, x, &check.expr, &is_bool)) {
        return;
    }
    if (!is_bool) {
        tg_report(m->env->diags, TG_E0206, x->span, "a number is no condition; write `!= 0`");
        return;
    }
    tg_vec_push(m->env->arena, &m->checks, check);
}
