/* From the head of a kernel to its signature: type parameters, parameters, defaults; dimensions are in sig_dims.c,
 * conditions in sig_expr.c. Element types that are unknown are left NONE: the elaborator reports them. */
#include "dsl/parser/sig_internal.h"

#include <string.h>

enum { MAX_TYPES = 16 };

int32_t tg_sig_find_param(const tg_signature *sig, const char *name) {
    for (uint32_t i = 0; i < sig->n_params; i++) {
        if (strcmp(sig->params[i].name, name) == 0) {
            return (int32_t)i;
        }
    }
    return -1;
}

int32_t tg_sig_find_dim(const tg_signature *sig, const char *name) {
    for (uint32_t i = 0; i < sig->n_dims; i++) {
        if (strcmp(sig->dims[i].name, name) == 0) {
            return (int32_t)i;
        }
    }
    return -1;
}

int32_t tg_sig_find_tparam(const tg_signature *sig, const char *name) {
    for (uint32_t i = 0; i < sig->n_tparams; i++) {
        if (strcmp(sig->tparams[i].name, name) == 0) {
            return (int32_t)i;
        }
    }
    return -1;
}

bool tg_sig_is_tensor(const tg_sig_param *p) {
    return p->kind == TG_SP_IN || p->kind == TG_SP_OUT || p->kind == TG_SP_INOUT;
}

const char *tg_sig_source_text(const tg_sig_env *env, tg_span span) {
    const tg_source *src = tg_sources_get(env->diags->sources, span.file);
    tg_strbuf s;
    tg_strbuf_init(&s, env->arena);
    for (uint32_t i = span.begin; src && i < span.end && i < src->len; i++) {
        char c = src->text[i];
        bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
        if (!blank) {
            tg_strbuf_putc(&s, c);
        } else if (s.len && s.data[s.len - 1] != ' ') {
            tg_strbuf_putc(&s, ' ');
        }
    }
    return s.len ? s.data : "";
}

/* ---- type parameters ------------------------------------------------------------------------------------------ */

static bool in_class(const char *name, tg_dtype t) {
    tg_dtype_kind kind = tg_dtype_kind_of(t);
    bool f8 = t == TG_F8E4M3 || t == TG_F8E5M2 || t == TG_F8E8M0;
    bool integer = (kind == TG_KIND_SINT || kind == TG_KIND_UINT) && !tg_dtype_is_storage(t);
    bool real = kind == TG_KIND_FLOAT && !tg_dtype_is_storage(t);
    static const char *const names[] = {"any",  "num",   "integer", "sint",
                                        "uint", "float", "f8",      "complex"};
    const bool members[] = {true,
                            integer || real || kind == TG_KIND_COMPLEX,
                            integer,
                            integer && kind == TG_KIND_SINT,
                            integer && kind == TG_KIND_UINT,
                            real,
                            f8,
                            kind == TG_KIND_COMPLEX};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], name) == 0) {
            return members[i];
        }
    }
    return false;
}

uint32_t tg_bound_members(const char *bound, tg_dtype out[TG_BOUND_MAX]) {
    if (!bound) {
        return 0; /* a syntax error was reported there */
    }
    tg_dtype single = tg_dtype_from_name(bound);
    if (single != TG_DTYPE_NONE) {
        out[0] = single;
        return 1;
    }
    /* f32 first: the elaborator checks a kernel for the first member, and it is the plainest float */
    static const tg_dtype order[] = {
        TG_F32,  TG_F64,    TG_F16,    TG_BF16,   TG_I32,    TG_I64, TG_I8,
        TG_I16,  TG_U8,     TG_U16,    TG_U32,    TG_U64,    TG_C32, TG_C64,
        TG_BOOL, TG_F8E4M3, TG_F8E5M2, TG_F8E8M0, TG_F4E2M1, TG_I4,  TG_U4};
    uint32_t n = 0;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        if (in_class(bound, order[i])) {
            out[n++] = order[i];
        }
    }
    return n;
}

static void report_bound(const tg_sig_env *env, const char *name, tg_span span) {
    static const char *const classes[] = {"any",  "num",   "integer", "sint",
                                          "uint", "float", "f8",      "complex"};
    if (!name) {
        return; /* a syntax error was reported there */
    }
    const char *near = tg_suggest(name, classes, sizeof classes / sizeof classes[0]);
    tg_diag *d =
        tg_report(env->diags, TG_E0202, span, "unknown type or class of types '%s'%s%s%s", name,
                  near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    tg_diag_add_help(env->diags, d,
                     "classes are any num integer sint uint float f8 complex; types are listed "
                     "in a bound as `f16 | bf16`");
}

static void add_members(tg_dtype *all, uint32_t *n, const tg_dtype *more, uint32_t n_more) {
    for (uint32_t i = 0; i < n_more; i++) {
        bool known = false;
        for (uint32_t k = 0; k < *n; k++) {
            known = known || all[k] == more[i];
        }
        if (!known) {
            all[(*n)++] = more[i];
        }
    }
}

static void make_tparam(tg_sig_maker *m, const tg_generic *g, tg_sig_tparam *out) {
    tg_dtype *all = TG_NEW_ARRAY(m->env->arena, tg_dtype, TG_BOUND_MAX), some[TG_BOUND_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < g->n_bounds; i++) {
        uint32_t n_some = tg_bound_members(g->bounds[i], some);
        if (n_some == 0) {
            report_bound(m->env, g->bounds[i], g->bound_spans[i]);
        }
        add_members(all, &n, some, n_some);
    }
    *out = (tg_sig_tparam){g->name, all, n};
}

static void make_tparams(tg_sig_maker *m) {
    uint32_t n = m->kernel->n_generics;
    if (n > MAX_TYPES) {
        tg_report(m->env->diags, TG_E0208, m->kernel->generics[MAX_TYPES].span,
                  "a kernel has at most %d type parameters", MAX_TYPES);
        n = MAX_TYPES;
    }
    m->sig->tparams = TG_NEW_ARRAY(m->env->arena, tg_sig_tparam, n);
    for (uint32_t i = 0; i < n; i++) {
        m->sig->n_tparams = i;
        if (tg_sig_find_tparam(m->sig, m->kernel->generics[i].name) >= 0) {
            tg_report(m->env->diags, TG_E0302, m->kernel->generics[i].span,
                      "type parameter '%s' is already declared", m->kernel->generics[i].name);
        }
        make_tparam(m, &m->kernel->generics[i], &m->sig->tparams[i]);
    }
    m->sig->n_tparams = n;
}

/* ---- parameters ------------------------------------------------------------------------------------------------ */

static tg_sig_type type_of(const tg_sig_maker *m, const tg_tref *t) {
    if (!t) {
        return (tg_sig_type){TG_DTYPE_NONE, -1, false};
    }
    if (t->kind == TG_TREF_WIDE) {
        tg_sig_type inner = type_of(m, t->inner);
        inner.wide = inner.type_param >= 0;
        inner.dtype = inner.wide ? TG_DTYPE_NONE : tg_dtype_wide(inner.dtype);
        return inner;
    }
    int32_t param =
        t->kind == TG_TREF_NAMED && t->name ? tg_sig_find_tparam(m->sig, t->name) : -1;
    return (tg_sig_type){param >= 0 ? TG_DTYPE_NONE : t->dtype, param, false};
}

static tg_sig_param_kind kind_of(const tg_param *p) {
    if (p->kind == TG_PARAM_TENSOR) {
        return p->direction == TG_DIR_IN    ? TG_SP_IN
               : p->direction == TG_DIR_OUT ? TG_SP_OUT
                                            : TG_SP_INOUT;
    }
    return p->kind == TG_PARAM_PTR ? TG_SP_PTR : TG_SP_SCALAR;
}

static void make_param(tg_sig_maker *m, const tg_param *p, tg_sig_param *out) {
    out->name = p->name;
    out->kind = kind_of(p);
    out->optional = p->optional;
    out->is_const = p->is_const;
    out->const_slot = -1;
    out->type = type_of(m, p->type);
    out->rank = p->kind == TG_PARAM_TENSOR ? p->n_dims : 0;
    if (out->rank > TG_MAX_RANK) {
        tg_report(m->env->diags, TG_E0213, p->span,
                  "a tensor has at most %d dimensions, %s has %u", TG_MAX_RANK, p->name,
                  p->n_dims);
        out->rank = TG_MAX_RANK;
    }
    out->shape = TG_NEW_ARRAY(m->env->arena, tg_sig_expr, out->rank);
    out->shape_text = TG_NEW_ARRAY(m->env->arena, const char *, out->rank);
}

static void make_params(tg_sig_maker *m) {
    uint32_t n = m->kernel->n_params;
    m->sig->params = TG_NEW_ARRAY(m->env->arena, tg_sig_param, n);
    for (uint32_t i = 0; i < n; i++) {
        const tg_param *p = &m->kernel->params[i];
        m->sig->n_params = i;
        if (tg_sig_find_param(m->sig, p->name) >= 0 ||
            tg_sig_find_tparam(m->sig, p->name) >= 0) {
            tg_report(m->env->diags, TG_E0302, p->name_span,
                      "'%s' is already the name of a parameter", p->name);
        }
        make_param(m, p, &m->sig->params[i]);
    }
    m->sig->n_params = n;
}

/* A default of a parameter typed by a type parameter is kept at full precision; binding converts it. */
static void make_default(tg_sig_maker *m, const tg_param *p, tg_sig_param *out) {
    if (p->kind != TG_PARAM_SCALAR || !p->init) {
        return;
    }
    tg_dtype to = out->type.dtype;
    if (out->type.type_param >= 0) {
        const tg_sig_tparam *t = &m->sig->tparams[out->type.type_param];
        bool any_float = false;
        for (uint32_t i = 0; i < t->n_members; i++) {
            any_float = any_float || tg_dtype_is_float(t->members[i]);
        }
        to = any_float ? TG_F64 : TG_I64;
    }
    if (to != TG_DTYPE_NONE) {
        out->has_default = tg_sig_make_constant(m->env, p->init, to, &out->default_value);
    }
}

const tg_signature *tg_signature_build(const tg_sig_env *env, const tg_item *kernel) {
    tg_sig_maker m = {
        .env = env, .kernel = &kernel->u.kernel, .sig = TG_NEW(env->arena, tg_signature)};
    m.sig->name = m.kernel->name;
    make_tparams(&m);
    make_params(&m);
    for (uint32_t i = 0; i < m.sig->n_params; i++) {
        make_default(&m, &m.kernel->params[i], &m.sig->params[i]);
    }
    tg_sig_make_dims(&m);
    for (uint32_t i = 0; i < m.kernel->n_wheres; i++) {
        tg_sig_make_where(&m, m.kernel->wheres[i]);
    }
    m.sig->binds = m.binds.data;
    m.sig->n_binds = m.binds.len;
    m.sig->checks = m.checks.data;
    m.sig->n_checks = m.checks.len;
    m.sig->facts = m.facts.data;
    m.sig->n_facts = m.facts.len;
    return m.sig;
}
