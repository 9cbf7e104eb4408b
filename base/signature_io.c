/* Signatures as bytes, for artifacts on disk. Little-endian, no alignment, no pointers:
 *
 *   "TGSG" version, then the fields of tg_signature in order; counts and numbers as 64-bit words, text as length + bytes.
 *
 * Reading trusts nothing: every count is bounded by the bytes left, every index by its table, every
 * enumerator by its range, every expression by tg_sig_expr_valid. */
#include "base/signature_internal.h"

#include <string.h>

enum { FORMAT_VERSION = 1 };
static const char magic[4] = {'T', 'G', 'S', 'G'};

/* ---- writing ------------------------------------------------------------------------------------------------- */

static void put_word(tg_strbuf *s, uint64_t v) {
    char bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (char)(unsigned char)(v >> (8 * i));
    }
    tg_strbuf_put(s, bytes, sizeof bytes);
}

static void put_int(tg_strbuf *s, int64_t v) {
    put_word(s, (uint64_t)v);
}

static void put_double(tg_strbuf *s, double v) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_word(s, bits);
}

/* Null is told from "" by the length. */
static void put_text(tg_strbuf *s, const char *text) {
    size_t n = text ? strlen(text) : 0;
    put_word(s, text ? n : UINT64_MAX);
    tg_strbuf_put(s, text ? text : "", n);
}

static void put_expr(tg_strbuf *s, const tg_sig_expr *e) {
    put_word(s, e->n);
    put_word(s, e->is_float);
    for (uint32_t i = 0; i < e->n; i++) {
        put_word(s, (uint64_t)e->code[i].op);
        put_int(s, e->code[i].imm.i);
    }
}

static void put_tparam(tg_strbuf *s, const tg_sig_tparam *t) {
    put_text(s, t->name);
    put_word(s, t->n_members);
    for (uint32_t i = 0; i < t->n_members; i++) {
        put_word(s, (uint64_t)t->members[i]);
    }
}

static void put_param(tg_strbuf *s, const tg_sig_param *p) {
    put_text(s, p->name);
    put_word(s, (uint64_t)p->kind);
    put_word(s, (uint64_t)(p->optional | p->is_const << 1 | p->has_default << 2 |
                           p->type.wide << 3));
    put_int(s, p->const_slot);
    put_word(s, (uint64_t)p->type.dtype);
    put_int(s, p->type.type_param);
    put_word(s, (uint64_t)p->default_value.dtype);
    put_int(s, p->default_value.i);
    put_double(s, p->default_value.f);
    put_double(s, p->default_value.g);
    put_word(s, p->rank);
    for (uint32_t d = 0; d < p->rank; d++) {
        put_expr(s, &p->shape[d]);
        put_text(s, p->shape_text[d]);
    }
}

static void put_check(tg_strbuf *s, const tg_sig_check *c) {
    put_word(s, (uint64_t)c->kind);
    put_word(s, c->param);
    put_word(s, c->d);
    put_word(s, c->dim);
    put_expr(s, &c->expr);
    put_text(s, c->text);
}

static void put_fact(tg_strbuf *s, const tg_sig_fact *f) {
    put_word(s, (uint64_t)f->kind);
    put_word(s, f->param);
    put_expr(s, &f->bound);
    put_text(s, f->text);
}

static void put_dims(tg_strbuf *s, const tg_signature *sig) {
    put_word(s, sig->n_dims);
    for (uint32_t i = 0; i < sig->n_dims; i++) {
        put_text(s, sig->dims[i].name);
        put_word(s, sig->dims[i].is_const);
        put_int(s, sig->dims[i].const_slot);
    }
    put_word(s, sig->n_binds);
    for (uint32_t i = 0; i < sig->n_binds; i++) {
        const tg_sig_bind *b = &sig->binds[i];
        put_word(s, b->dim);
        put_word(s, b->param);
        put_word(s, b->d);
        put_int(s, b->factor);
        put_int(s, b->offset);
    }
}

void tg_signature_write(const tg_signature *sig, tg_strbuf *out) {
    tg_strbuf_put(out, magic, sizeof magic);
    put_word(out, FORMAT_VERSION);
    put_text(out, sig->name);
    put_word(out, sig->n_consts);
    put_word(out, sig->n_tparams);
    for (uint32_t i = 0; i < sig->n_tparams; i++) {
        put_tparam(out, &sig->tparams[i]);
    }
    put_word(out, sig->n_params);
    for (uint32_t i = 0; i < sig->n_params; i++) {
        put_param(out, &sig->params[i]);
    }
    put_dims(out, sig);
    put_word(out, sig->n_checks);
    for (uint32_t i = 0; i < sig->n_checks; i++) {
        put_check(out, &sig->checks[i]);
    }
    put_word(out, sig->n_facts);
    for (uint32_t i = 0; i < sig->n_facts; i++) {
        put_fact(out, &sig->facts[i]);
    }
}

/* ---- reading ------------------------------------------------------------------------------------------------- */

typedef struct reader {
    tg_arena *arena;
    const unsigned char *at, *end;
    bool bad; /* once set, everything read is 0 */
} reader;

static uint64_t get_word(reader *r) {
    if (r->bad || r->end - r->at < 8) {
        r->bad = true;
        return 0;
    }
    uint64_t v = 0;
    for (int i = 0; i < 8; i++) {
        v |= (uint64_t)r->at[i] << (8 * i);
    }
    r->at += 8;
    return v;
}

/* A number below `limit`. */
static uint64_t get_below(reader *r, uint64_t limit) {
    uint64_t v = get_word(r);
    if (v >= limit) {
        r->bad = true;
        return 0;
    }
    return v;
}

static int64_t get_int(reader *r) {
    return (int64_t)get_word(r);
}

static double get_double(reader *r) {
    uint64_t bits = get_word(r);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* A list length: each item takes at least 8 bytes, so that garbage cannot ask for more memory than it brings. */
static uint32_t get_count(reader *r, uint64_t max) {
    uint64_t n = get_below(r, max + 1);
    if (!r->bad && n > (uint64_t)(r->end - r->at) / 8) {
        r->bad = true;
    }
    return r->bad ? 0 : (uint32_t)n;
}

static const char *get_text(reader *r) {
    uint64_t n = get_word(r);
    if (r->bad || n == UINT64_MAX) {
        return NULL;
    }
    if (n > (uint64_t)(r->end - r->at) || memchr(r->at, 0, n)) {
        r->bad = true;
        return NULL;
    }
    const char *text = tg_arena_strndup(r->arena, (const char *)r->at, n);
    r->at += n;
    return text;
}

static const char *get_name(reader *r) {
    const char *text = get_text(r);
    r->bad = r->bad || !text;
    return text ? text : "";
}

static tg_sig_expr get_expr(reader *r) {
    tg_sig_expr e = {.n = get_count(r, UINT32_MAX - 1)};
    e.is_float = get_below(r, 2) != 0;
    e.code = TG_NEW_ARRAY(r->arena, tg_sig_instr, e.n);
    for (uint32_t i = 0; i < e.n; i++) {
        e.code[i].op = (tg_sig_opcode)get_below(r, TG_SE_SELECT + 1);
        e.code[i].imm.i = get_int(r);
    }
    return e;
}

static tg_sig_tparam get_tparam(reader *r) {
    tg_sig_tparam t = {.name = get_name(r)};
    t.n_members = get_count(r, TG_C64);
    tg_dtype *members = TG_NEW_ARRAY(r->arena, tg_dtype, t.n_members);
    for (uint32_t i = 0; i < t.n_members; i++) {
        members[i] = (tg_dtype)get_below(r, TG_C64 + 1);
    }
    t.members = members;
    return t;
}

static void get_flags(reader *r, tg_sig_param *p) {
    uint64_t flags = get_below(r, 16);
    p->optional = flags & 1;
    p->is_const = flags & 2;
    p->has_default = flags & 4;
    p->type.wide = flags & 8;
}

static tg_sig_param get_param(reader *r) {
    tg_sig_param p = {.name = get_name(r)};
    p.kind = (tg_sig_param_kind)get_below(r, TG_SP_PTR + 1);
    get_flags(r, &p);
    p.const_slot = (int32_t)get_int(r);
    p.type.dtype = (tg_dtype)get_below(r, TG_C64 + 1);
    p.type.type_param = (int32_t)get_int(r);
    p.default_value.dtype = (tg_dtype)get_below(r, TG_C64 + 1);
    p.default_value.i = get_int(r);
    p.default_value.f = get_double(r);
    p.default_value.g = get_double(r);
    p.rank = get_count(r, TG_MAX_RANK);
    p.shape = TG_NEW_ARRAY(r->arena, tg_sig_expr, p.rank);
    p.shape_text = TG_NEW_ARRAY(r->arena, const char *, p.rank);
    for (uint32_t d = 0; d < p.rank; d++) {
        p.shape[d] = get_expr(r);
        p.shape_text[d] = get_name(r);
    }
    return p;
}

static void get_dims(reader *r, tg_signature *sig) {
    sig->n_dims = get_count(r, TG_SIG_MAX_DIMS);
    sig->dims = TG_NEW_ARRAY(r->arena, tg_sig_dim, sig->n_dims);
    for (uint32_t i = 0; i < sig->n_dims; i++) {
        sig->dims[i].name = get_name(r);
        sig->dims[i].is_const = get_below(r, 2) != 0;
        sig->dims[i].const_slot = (int32_t)get_int(r);
    }
    sig->n_binds = get_count(r, UINT32_MAX - 1);
    sig->binds = TG_NEW_ARRAY(r->arena, tg_sig_bind, sig->n_binds);
    for (uint32_t i = 0; i < sig->n_binds; i++) {
        tg_sig_bind *b = &sig->binds[i];
        b->dim = (uint32_t)get_below(r, sig->n_dims);
        b->param = (uint32_t)get_below(r, sig->n_params);
        b->d = (uint32_t)get_below(r, TG_MAX_RANK);
        b->factor = get_int(r);
        b->offset = get_int(r);
    }
}

static tg_sig_check get_check(reader *r) {
    tg_sig_check c = {.kind = (tg_sig_check_kind)get_below(r, TG_SC_WHERE + 1)};
    c.param = (uint32_t)get_below(r, UINT32_MAX);
    c.d = (uint32_t)get_below(r, TG_MAX_RANK);
    c.dim = (uint32_t)get_below(r, UINT32_MAX);
    c.expr = get_expr(r);
    c.text = get_text(r);
    return c;
}

static tg_sig_fact get_fact(reader *r, const tg_signature *sig) {
    tg_sig_fact f = {.kind = (tg_sig_fact_kind)get_below(r, TG_SF_GREATER_EQUAL + 1)};
    f.param = (uint32_t)get_below(r, sig->n_params);
    f.bound = get_expr(r);
    f.text = get_text(r);
    return f;
}

/* ---- validity ------------------------------------------------------------------------------------------------ */

static bool is_tensor(const tg_sig_param *p) {
    return p->kind == TG_SP_IN || p->kind == TG_SP_OUT || p->kind == TG_SP_INOUT;
}

static bool valid_slot(int32_t slot, uint32_t n) {
    return slot >= -1 && (slot < 0 || (uint32_t)slot < n);
}

/* A pointer has no element type; everything else has one. */
static bool valid_types(const tg_signature *sig) {
    for (uint32_t i = 0; i < sig->n_params; i++) {
        const tg_sig_param *p = &sig->params[i];
        if (p->type.dtype == TG_DTYPE_NONE && p->type.type_param < 0 && p->kind != TG_SP_PTR) {
            return false;
        }
    }
    for (uint32_t i = 0; i < sig->n_tparams; i++) {
        for (uint32_t m = 0; m < sig->tparams[i].n_members; m++) {
            if (sig->tparams[i].members[m] == TG_DTYPE_NONE) {
                return false;
            }
        }
    }
    return true;
}

static bool valid_params(const tg_signature *sig) {
    for (uint32_t i = 0; i < sig->n_params; i++) {
        const tg_sig_param *p = &sig->params[i];
        if (!valid_slot(p->const_slot, sig->n_consts) ||
            !valid_slot(p->type.type_param, sig->n_tparams) || (p->rank > 0 && !is_tensor(p))) {
            return false;
        }
        for (uint32_t d = 0; d < p->rank; d++) {
            if (!tg_sig_expr_valid(&p->shape[d], sig) || p->shape[d].is_float) {
                return false;
            }
        }
    }
    return true;
}

static bool valid_binds(const tg_signature *sig) {
    for (uint32_t i = 0; i < sig->n_dims; i++) {
        if (!valid_slot(sig->dims[i].const_slot, sig->n_consts)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < sig->n_binds; i++) {
        const tg_sig_bind *b = &sig->binds[i];
        if (b->d >= sig->params[b->param].rank || b->factor < 1) {
            return false;
        }
    }
    return true;
}

static bool valid_check(const tg_signature *sig, const tg_sig_check *c) {
    if (c->kind == TG_SC_WHERE) {
        return tg_sig_expr_valid(&c->expr, sig) && !c->expr.is_float;
    }
    if (c->param >= sig->n_params || c->d >= sig->params[c->param].rank) {
        return false;
    }
    if (c->kind == TG_SC_DIM_AGREES) {
        return c->dim < sig->n_dims;
    }
    return tg_sig_expr_valid(&c->expr, sig) && !c->expr.is_float;
}

static bool valid_rest(const tg_signature *sig) {
    for (uint32_t i = 0; i < sig->n_checks; i++) {
        if (!valid_check(sig, &sig->checks[i])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < sig->n_facts; i++) {
        const tg_sig_fact *f = &sig->facts[i];
        bool has_bound = f->kind != TG_SF_SORTED && f->kind != TG_SF_UNIQUE;
        if (!is_tensor(&sig->params[f->param]) ||
            (has_bound && !tg_sig_expr_valid(&f->bound, sig))) {
            return false;
        }
    }
    return true;
}

static void get_lists(reader *r, tg_signature *sig) {
    sig->n_tparams = get_count(r, TG_SIG_MAX_TYPES);
    sig->tparams = TG_NEW_ARRAY(r->arena, tg_sig_tparam, sig->n_tparams);
    for (uint32_t i = 0; i < sig->n_tparams; i++) {
        sig->tparams[i] = get_tparam(r);
    }
    sig->n_params = get_count(r, UINT32_MAX - 1);
    sig->params = TG_NEW_ARRAY(r->arena, tg_sig_param, sig->n_params);
    for (uint32_t i = 0; i < sig->n_params; i++) {
        sig->params[i] = get_param(r);
    }
    get_dims(r, sig);
    sig->n_checks = get_count(r, UINT32_MAX - 1);
    sig->checks = TG_NEW_ARRAY(r->arena, tg_sig_check, sig->n_checks);
    for (uint32_t i = 0; i < sig->n_checks; i++) {
        sig->checks[i] = get_check(r);
    }
    sig->n_facts = get_count(r, UINT32_MAX - 1);
    sig->facts = TG_NEW_ARRAY(r->arena, tg_sig_fact, sig->n_facts);
    for (uint32_t i = 0; i < sig->n_facts; i++) {
        sig->facts[i] = get_fact(r, sig);
    }
}

tg_signature *tg_signature_read(tg_arena *arena, const void *bytes, size_t size) {
    const unsigned char *data = bytes;
    if (size < sizeof magic || memcmp(data, magic, sizeof magic) != 0) {
        return NULL;
    }
    reader r = {arena, data + sizeof magic, data + size, false};
    if (get_word(&r) != FORMAT_VERSION) {
        return NULL;
    }
    tg_signature *sig = TG_NEW(arena, tg_signature);
    sig->name = get_name(&r);
    sig->n_consts = (uint32_t)get_below(&r, TG_SIG_MAX_CONSTS + 1);
    get_lists(&r, sig);
    bool good = !r.bad && r.at == r.end && valid_types(sig) && valid_params(sig) &&
                valid_binds(sig) && valid_rest(sig);
    return good ? sig : NULL;
}
