/* Dimensions of a kernel: which names are dimensions, what binds each of them, what must agree (language.md 7.2).
 *
 *   [N]        bare: binds N; further ones must agree           L0901
 *   [2*N + 1]  affine: binds N if nothing bare does             L0903
 *   [M / 8]    anything else: an expression that must be equal  L0902
 *
 * Required inputs bind before outputs, outputs before optional tensors, so that a host may leave shapes of outputs
 * to be inferred. */
#include "dsl/parser/sig_internal.h"

enum { MAX_DIMS = 64, MAX_CONSTS = 64 };

typedef struct place { /* one dimension of one tensor parameter */
    uint32_t param, d;
    const tg_expr *x;
    bool binds;    /* decides its dimension: no check needed */
    bool poisoned; /* reported */
} place;

typedef TG_VEC(place) places;

/* ---- names --------------------------------------------------------------------------------------------------- */

static bool is_dim_name(const tg_sig_maker *m, tg_name name) {
    tg_scalar v;
    if (tg_sig_find_param(m->sig, name) >= 0 || tg_sig_find_tparam(m->sig, name) >= 0) {
        return false;
    }
    return tg_sig_find_dim(m->sig, name) >= 0 || !m->env->constant ||
           !m->env->constant(m->env->user, name, &v);
}

static void publish_dims(tg_sig_maker *m) {
    m->sig->dims = m->dims.data;
    m->sig->n_dims = m->dims.len;
}

/* A tensor or a type cannot share its name with a dimension: one namespace per kernel. */
static bool report_clash(tg_sig_maker *m, tg_name name, tg_span span) {
    for (uint32_t i = 0; i < m->kernel->n_params; i++) {
        const tg_param *p = &m->kernel->params[i];
        if (p->name == name && p->kind == TG_PARAM_TENSOR) {
            tg_diag *d = tg_report(m->env->diags, TG_E0302, span,
                                   "'%s' is a tensor here and cannot be a dimension too", name);
            tg_diag_add_label(m->env->diags, d, p->name_span, "the tensor");
            return true;
        }
    }
    if (tg_sig_find_tparam(m->sig, name) >= 0) {
        tg_report(m->env->diags, TG_E0302, span,
                  "'%s' is a type parameter and cannot be a dimension too", name);
        return true;
    }
    return false;
}

/* False if the name cannot be a dimension. */
static bool add_dim(tg_sig_maker *m, tg_name name, tg_span span, bool is_const) {
    if (report_clash(m, name, span)) {
        return false;
    }
    if (!is_dim_name(m, name)) {
        return true;
    }
    int32_t at = tg_sig_find_dim(m->sig, name);
    if (at >= 0) {
        m->dims.data[at].is_const |= is_const;
        return true;
    }
    if (m->dims.len == MAX_DIMS) {
        tg_report(m->env->diags, TG_E0213, span, "a kernel has at most %d dimensions",
                  MAX_DIMS);
        return false;
    }
    tg_sig_dim d = {name, is_const, -1};
    m->dim_spans[m->dims.len] = span;
    tg_vec_push(m->env->arena, &m->dims, d);
    publish_dims(m);
    return true;
}

static bool collect_names(tg_sig_maker *m, const tg_expr *x, bool is_const) {
    bool good = true;
    switch ((int)x->kind) {
    case TG_EXPR_NAME:
        return add_dim(m, x->u.name.name, x->span, is_const);
    case TG_EXPR_UNARY:
        return collect_names(m, x->u.unary.operand, false);
    case TG_EXPR_BINARY:
        good = collect_names(m, x->u.binary.left, false);
        return collect_names(m, x->u.binary.right, false) && good;
    case TG_EXPR_COND:
        good = collect_names(m, x->u.cond.test, false);
        good = collect_names(m, x->u.cond.yes, false) && good;
        return collect_names(m, x->u.cond.no, false) && good;
    case TG_EXPR_CALL:
        for (uint32_t i = 0; i < x->u.call.n_args; i++) {
            good = collect_names(m, x->u.call.args[i].value, false) && good;
        }
        return good;
    default:
        return true;
    }
}

static void collect_places(tg_sig_maker *m, places *out) {
    for (uint32_t i = 0; i < m->kernel->n_params; i++) {
        const tg_param *p = &m->kernel->params[i];
        for (uint32_t d = 0; p->kind == TG_PARAM_TENSOR && d < m->sig->params[i].rank; d++) {
            bool good = collect_names(m, p->dims[d].value, p->dims[d].is_const);
            place at = {i, d, p->dims[d].value, false, !good};
            tg_vec_push(m->env->arena, out, at);
        }
    }
}

/* Slots: const dimensions in order, then const scalars in order. */
static void number_constants(tg_sig_maker *m) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->dims.len; i++) {
        m->dims.data[i].const_slot = m->dims.data[i].is_const ? (int32_t)n++ : -1;
    }
    for (uint32_t i = 0; i < m->sig->n_params; i++) {
        tg_sig_param *p = &m->sig->params[i];
        p->const_slot = p->is_const && p->kind == TG_SP_SCALAR ? (int32_t)n++ : -1;
    }
    if (n > MAX_CONSTS) {
        tg_report(m->env->diags, TG_E0212, m->kernel->name_span,
                  "a kernel has at most %d compile-time constants", MAX_CONSTS);
        n = MAX_CONSTS;
    }
    m->sig->n_consts = n;
}

/* ---- affine dimensions --------------------------------------------------------------------------------------- */

typedef struct affine {
    bool good;
    int32_t dim; /* -1: a constant */
    int64_t factor, offset;
} affine;

static const affine not_affine = {false, -1, 0, 0};

static affine affine_of(const tg_sig_maker *m, const tg_expr *x);

static affine affine_name(const tg_sig_maker *m, tg_name name) {
    tg_scalar v;
    int32_t dim = tg_sig_find_dim(m->sig, name);
    if (dim >= 0) {
        return (affine){true, dim, 1, 0};
    }
    if (tg_sig_find_param(m->sig, name) < 0 && m->env->constant &&
        m->env->constant(m->env->user, name, &v) && tg_dtype_is_int(v.dtype)) {
        return (affine){true, -1, 0, v.i};
    }
    return not_affine;
}

static affine affine_binary(const tg_sig_maker *m, const tg_expr *x) {
    affine a = affine_of(m, x->u.binary.left), b = affine_of(m, x->u.binary.right),
           out = not_affine;
    tg_operator op = x->u.binary.op;
    if (!a.good || !b.good || (a.dim >= 0 && b.dim >= 0)) {
        return out;
    }
    out.good = true;
    out.dim = a.dim >= 0 ? a.dim : b.dim;
    bool overflow = false;
    if (op == TG_OPER_ADD) {
        overflow = __builtin_add_overflow(a.factor, b.factor, &out.factor) ||
                   __builtin_add_overflow(a.offset, b.offset, &out.offset);
    } else if (op == TG_OPER_SUB) {
        overflow = __builtin_sub_overflow(a.factor, b.factor, &out.factor) ||
                   __builtin_sub_overflow(a.offset, b.offset, &out.offset);
    } else if (op == TG_OPER_MUL) {
        const affine *v = a.dim >= 0 ? &a : &b, *c = a.dim >= 0 ? &b : &a;
        overflow = __builtin_mul_overflow(v->factor, c->offset, &out.factor) ||
                   __builtin_mul_overflow(v->offset, c->offset, &out.offset);
    } else {
        overflow = true;
    }
    return overflow ? not_affine : out;
}

static affine affine_of(const tg_sig_maker *m, const tg_expr *x) {
    if (x->kind == TG_EXPR_INT && x->u.integer.value <= INT64_MAX) {
        return (affine){true, -1, 0, (int64_t)x->u.integer.value};
    }
    if (x->kind == TG_EXPR_NAME) {
        return affine_name(m, x->u.name.name);
    }
    return x->kind == TG_EXPR_BINARY ? affine_binary(m, x) : not_affine;
}

/* ---- binding ------------------------------------------------------------------------------------------------- */

/* 0 required inputs, 1 outputs, 2 optional tensors */
static int binding_rank(const tg_sig_param *p) {
    return p->optional ? 2 : p->kind == TG_SP_OUT ? 1 : 0;
}

static void bind(tg_sig_maker *m, place *at, const affine *a, bool *bound) {
    tg_sig_bind b = {(uint32_t)a->dim, at->param, at->d, a->factor, a->offset};
    tg_vec_push(m->env->arena, &m->binds, b);
    at->binds = !bound[a->dim];
    bound[a->dim] = true;
}

/* One pass over the places: binds dimensions not yet bound; in passes of rank > 0 also adds a second source for
 * those that only outputs or optional tensors bind so far. */
static void bind_pass(tg_sig_maker *m, const places *all, bool bare, int rank, bool *bound,
                      int *bound_rank) {
    for (uint32_t i = 0; i < all->len; i++) {
        place *at = &all->data[i];
        affine a = affine_of(m, at->x);
        bool is_bare = at->x->kind == TG_EXPR_NAME;
        if (!a.good || a.dim < 0 || a.factor < 1 || is_bare != bare ||
            binding_rank(&m->sig->params[at->param]) != rank) {
            continue;
        }
        if (!bound[a.dim] || (bound_rank[a.dim] > 0 && bare)) {
            bound_rank[a.dim] = bound[a.dim] ? bound_rank[a.dim] : rank;
            bind(m, at, &a, bound);
        }
    }
}

static void bind_dims(tg_sig_maker *m, const places *all) {
    bool bound[MAX_DIMS] = {false};
    int rank[MAX_DIMS] = {0};
    for (int r = 0; r <= 2; r++) {
        bind_pass(m, all, true, r, bound, rank);
    }
    for (int r = 0; r <= 2; r++) {
        bind_pass(m, all, false, r, bound, rank);
    }
    for (uint32_t i = 0; i < m->dims.len; i++) {
        if (!bound[i]) {
            tg_diag *d = tg_report(m->env->diags, TG_E0407, m->dim_spans[i],
                                   "dimension '%s' cannot be determined from the arguments",
                                   m->dims.data[i].name);
            tg_diag_add_help(m->env->diags, d,
                             "use it bare, as in `X[%s]`, or as `a*%s + b` with constants; or "
                             "make it a parameter: `int %s`",
                             m->dims.data[i].name, m->dims.data[i].name, m->dims.data[i].name);
        }
    }
}

/* ---- shapes and checks --------------------------------------------------------------------------------------- */

static void make_shape(tg_sig_maker *m, const place *at) {
    tg_sig_param *p = &m->sig->params[at->param];
    p->shape_text[at->d] = tg_sig_source_text(m->env, at->x->span);
    if (at->poisoned || !tg_sig_make_int(m->env, m->sig, at->x, &p->shape[at->d])) {
        tg_sig_instr *zero = TG_NEW(m->env->arena, tg_sig_instr);
        p->shape[at->d] = (tg_sig_expr){zero, 1, false};
    }
}

static void make_check(tg_sig_maker *m, const place *at) {
    const tg_sig_param *p = &m->sig->params[at->param];
    tg_sig_check c = {.kind = TG_SC_SHAPE_EQUALS,
                      .param = at->param,
                      .d = at->d,
                      .expr = p->shape[at->d],
                      .text = p->shape_text[at->d]};
    if (c.expr.n == 1 && c.expr.code[0].op == TG_SE_DIM) {
        c.kind = TG_SC_DIM_AGREES;
        c.dim = (uint32_t)c.expr.code[0].imm.i;
    }
    tg_vec_push(m->env->arena, &m->checks, c);
}

void tg_sig_make_dims(tg_sig_maker *m) {
    places all = {0};
    m->dim_spans = TG_NEW_ARRAY(m->env->arena, tg_span, MAX_DIMS);
    collect_places(m, &all);
    number_constants(m);
    bind_dims(m, &all);
    for (uint32_t i = 0; i < all.len; i++) {
        make_shape(m, &all.data[i]);
    }
    for (uint32_t i = 0; i < all.len; i++) {
        if (!all.data[i].binds) {
            make_check(m, &all.data[i]);
        }
    }
}
