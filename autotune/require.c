/* Constraints on points of a space that need no compile, and the buckets of shapes: `require` and `bucket` of `tune` clauses, and the
 * footprint of an instance. */
#include <math.h>
#include <string.h>

#include "autotune/tuner.h"

/* ---- `require` ------------------------------------------------------------------------------------------ */

typedef struct number {
    double v;
    bool known; /* a name without a value here: the requirement says nothing about this point */
} number;

static number lookup(const tg_space *s, const tg_point *x, const char *name) {
    const tg_problem *p = s->problem;
    const tg_signature *sig = p->kernel->signature;
    for (uint32_t i = 0; i < s->n_params; i++) {
        if (strcmp(s->params[i].key, name) == 0) {
            return (number){(double)s->params[i].number[x->at[i]], x->at[i] != 0};
        }
    }
    for (uint32_t i = 0; i < sig->n_dims; i++) {
        if (strcmp(sig->dims[i].name, name) == 0) {
            return (number){(double)p->binding.dims[i], true};
        }
    }
    return (number){0, false};
}

static double apply(tg_operator op, double x, double y) {
    switch ((int)op) {
    case TG_OPER_MUL:
        return x * y;
    case TG_OPER_DIV:
        return y == 0 ? 0 : floor(x / y);
    case TG_OPER_REM:
        return y == 0 ? 0 : x - y * floor(x / y);
    case TG_OPER_ADD:
        return x + y;
    case TG_OPER_SUB:
        return x - y;
    case TG_OPER_LT:
        return x < y;
    case TG_OPER_LE:
        return x <= y;
    case TG_OPER_GT:
        return x > y;
    case TG_OPER_GE:
        return x >= y;
    case TG_OPER_EQ:
        return x == y;
    case TG_OPER_NE:
        return x != y;
    default:
        return NAN;
    }
}

static number evaluate(const tg_space *s, const tg_point *x, const tg_expr *e);

static number evaluate_binary(const tg_space *s, const tg_point *x, const tg_expr *e) {
    number l = evaluate(s, x, e->u.binary.left), r = evaluate(s, x, e->u.binary.right);
    tg_operator op = e->u.binary.op;
    if (op == TG_OPER_LAND || op == TG_OPER_LOR) { /* one known side may decide */
        bool decides = op == TG_OPER_LOR;
        if ((l.known && (l.v != 0) == decides) || (r.known && (r.v != 0) == decides)) {
            return (number){decides, true};
        }
        return (number){!decides, l.known && r.known};
    }
    double v = apply(op, l.v, r.v);
    return (number){v, l.known && r.known && v == v};
}

/* Depth is bounded by the parser. */
static number evaluate(const tg_space *s, const tg_point *x, const tg_expr *e) {
    switch ((int)e->kind) {
    case TG_EXPR_INT:
        return (number){(double)e->u.integer.value, true};
    case TG_EXPR_BOOL:
        return (number){e->u.boolean.value, true};
    case TG_EXPR_NAME:
        return lookup(s, x, e->u.name.name);
    case TG_EXPR_BINARY:
        return evaluate_binary(s, x, e);
    case TG_EXPR_UNARY: {
        number v = evaluate(s, x, e->u.unary.operand);
        v.v = e->u.unary.op == TG_OPER_NEG ? -v.v : v.v == 0;
        v.known = v.known && e->u.unary.op != TG_OPER_BNOT;
        return v;
    }
    default:
        return (number){0, false};
    }
}

static bool required(const tg_space *s, const tg_point *x) {
    for (uint32_t i = 0; i < s->clauses.len; i++) {
        const tg_item *item = s->clauses.data[i];
        for (uint32_t k = 0; k < item->u.tune.n_items; k++) {
            const tg_titem *t = &item->u.tune.items[k];
            if (t->kind != TG_TI_REQUIRE) {
                continue;
            }
            number v = evaluate(s, x, t->require);
            if (v.known && v.v == 0) {
                return false;
            }
        }
    }
    return true;
}

/* ---- footprint ------------------------------------------------------------------------------------------------- */

typedef struct footprint {
    const tg_space *s;
    const tg_point *x;
    double largest; /* bytes of one tile */
} footprint;

static void see_tile(tg_op *op, void *user) {
    footprint *f = user;
    for (uint32_t i = 0; i < op->n_results; i++) {
        const tg_type *t = tg_result(op, i)->type;
        if (t->kind != TG_TYPE_TILE || t->n_axes == 0) {
            continue;
        }
        double bytes = tg_dtype_bits(t->dtype) / 8.0;
        for (uint32_t k = 0; k < t->n_axes; k++) {
            double size = f->s->problem->sizes[t->axes[k]->rank];
            int64_t block = tg_space_number(f->s, f->x, t->axes[k]);
            bool open = block == 0 &&
                        t->axes[k]->kind != TG_AXIS_LOCAL; /* the compiler's choice fits */
            bytes *= open ? 1 : block > 0 && (double)block < size ? (double)block : size;
        }
        f->largest = bytes > f->largest ? bytes : f->largest;
    }
}

/* A tile that does not fit the last cache level's share of a core is never right; whether smaller ones live in memory at all is the
 * compiler's business, so this is the only bound. */
static bool fits(const tg_space *s, const tg_point *x) {
    const tg_machine *m = &s->problem->kernel->context->machine;
    footprint f = {.s = s, .x = x};
    tg_ir_walk(s->problem->func, see_tile, &f);
    double limit = (double)(m->l2_bytes > m->l3_bytes ? m->l2_bytes : m->l3_bytes);
    return f.largest <= (limit > 0 ? limit : 1e9);
}

/* Two directives may have a target in common (`reg(i)` of two products): then one of them is left to the compiler. */
static bool share_target(const tg_directive *a, const tg_directive *b) {
    for (uint32_t i = 0; a && b && i < a->n_targets; i++) {
        for (uint32_t k = 0; k < b->n_targets; k++) {
            if (strcmp(a->target[i], b->target[k]) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool contradicts(const tg_space *s, const tg_point *x) {
    for (uint32_t i = s->n_ranked; i < s->n_params; i++) {
        for (uint32_t k = s->n_ranked; k < i && x->at[i]; k++) {
            bool apart = s->apart[i] >> k & 1 || share_target(s->params[i].directive, s->params[k].directive);
            if (x->at[k] && apart) {
                return true;
            }
        }
    }
    return false;
}

bool tg_space_legal(const tg_space *s, const tg_point *x) {
    return !contradicts(s, x) && required(s, x) && fits(s, x);
}

/* ---- buckets ------------------------------------------------------------------------------------------------------ */

static const char *bucket_rule(const tg_problem *p, const char *dim) {
    const tg_kernel *k = p->kernel;
    const tg_file *file = tg_unit_file(k->module->compilation->unit);
    const char *rule = "pow2";
    for (uint32_t i = 0; i < file->n_items; i++) {
        const tg_item *item = file->items[i];
        if (item->kind != TG_ITEM_TUNE || item->u.tune.name != k->item->u.kernel.name) {
            continue;
        }
        for (uint32_t j = 0; j < item->u.tune.n_items; j++) {
            const tg_titem *t = &item->u.tune.items[j];
            for (uint32_t b = 0; t->kind == TG_TI_BUCKET && b < t->n_buckets; b++) {
                const char *how = t->buckets[b].how;
                rule = strcmp(t->buckets[b].name, dim) == 0 && how ? how : rule;
            }
        }
    }
    return rule;
}

const char *tg_bucket_text(const tg_problem *p) {
    const tg_signature *sig = p->kernel->signature;
    tg_strbuf s;
    tg_strbuf_init(&s, p->arena);
    for (uint32_t i = 0; i < sig->n_dims; i++) {
        if (sig->dims[i].const_slot >= 0) {
            continue;
        }
        const char *rule = bucket_rule(p, sig->dims[i].name), *space = s.len ? " " : "";
        int64_t size = p->binding.dims[i], bound = 1;
        while (bound < size && bound < INT64_MAX / 2) {
            bound *= 2;
        }
        if (strcmp(rule, "any") == 0) {
            tg_strbuf_printf(&s, "%s%s=*", space, sig->dims[i].name);
        } else {
            tg_strbuf_printf(&s, "%s%s<=%lld", space, sig->dims[i].name,
                             (long long)(strcmp(rule, "pow2") == 0 ? bound : size));
        }
    }
    return s.data;
}
