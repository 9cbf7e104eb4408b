/* Names and values of tune and schedule items: every target exists, every value is of the kind its parameter takes,
 * and the setting keeps the meaning (schedule_legal.c). */
#include "dsl/parser/schedule_internal.h"

#include <string.h>

static const tg_sched_param params[] = {
#define PARAM(key, args, value, words, doc) {key, TG_SA_##args, TG_SV_##value, words, doc},
#include "dsl/parser/schedule.def"
#undef PARAM
};
enum { N_PARAMS = sizeof params / sizeof params[0] };

const tg_sched_param *tg_sched_param_find(const char *key) {
    for (size_t i = 0; i < N_PARAMS; i++) {
        if (strcmp(params[i].key, key) == 0) {
            return &params[i];
        }
    }
    return NULL;
}

/* ---- places ------------------------------------------------------------------------------------------------------------ */

static void add_place(tg_op *op, void *user) {
    tg_sched *s = user;
    tg_sched_place p = {.axis = tg_op_axis(op, TG_ATTR_AXIS), .binder = op};
    bool binder =
        op->opcode == TG_OP_PAR || op->opcode == TG_OP_FOR || op->opcode == TG_OP_AXIS;
    if (!binder) {
        return;
    }
    if (!p.axis && op->n_regions && op->regions[0].body.n_args) {
        p.each = op->regions[0].body.args[0];
    }
    if (tg_sched_place_name(&p)) {
        tg_vec_push(s->env->arena, &s->places, p);
    }
}

const char *tg_sched_place_name(const tg_sched_place *p) {
    return p->axis ? p->axis->name : p->each ? p->each->name : NULL;
}

static void walk_block(tg_sched *s, const tg_block *b) {
    for (tg_op *op = b->first; op; op = op->next) {
        add_place(op, s);
        for (uint32_t r = 0; r < op->n_regions; r++) {
            walk_block(s, &op->regions[r].body);
        }
    }
}

void tg_sched_open(tg_sched *s, const tg_sig_env *env, const tg_func *f,
                   const tg_signature *sig) {
    *s = (tg_sched){.env = env, .func = f, .sig = sig};
    walk_block(s, &f->body.body);
}

static const char *phase_of(const tg_op *op) {
    while (op && op->opcode != TG_OP_PHASE) {
        op = op->parent && op->parent->parent ? op->parent->parent->parent : NULL;
    }
    return op ? tg_op_str(op, TG_ATTR_NAME) : NULL;
}

static bool in_phase(const tg_sched_place *p, tg_name phase) {
    const char *name = phase_of(p->binder);
    return !phase || (name && strcmp(name, phase) == 0);
}

static void report_unknown(const tg_sched *s, tg_name phase, tg_name name, tg_span span) {
    const char **names = TG_NEW_ARRAY(s->env->arena, const char *, s->places.len + N_PARAMS);
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->places.len; i++) {
        names[n++] = tg_sched_place_name(&s->places.data[i]);
    }
    for (size_t i = 0; i < N_PARAMS; i++) {
        names[n++] = params[i].key;
    }
    const char *near = tg_suggest(name, names, n);
    tg_diag *d = tg_report(s->env->diags, TG_E0702, span,
                           "kernel %s has no axis or schedule parameter '%s%s%s'%s%s%s",
                           s->func->name, phase ? phase : "", phase ? "." : "", name,
                           near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    tg_strbuf list;
    tg_strbuf_init(&list, s->env->arena);
    for (uint32_t i = 0; i < s->places.len && i < 16; i++) {
        tg_strbuf_printf(&list, " %s", tg_sched_place_name(&s->places.data[i]));
    }
    tg_diag_add_note(s->env->diags, d, "its axes are%s", list.len ? list.data : " none");
}

tg_sched_places tg_sched_resolve(const tg_sched *s, tg_name phase, tg_name name,
                                 int64_t ordinal, tg_span span) {
    tg_sched_places out = {0};
    int64_t seen = 0;
    for (uint32_t i = 0; i < s->places.len; i++) {
        const tg_sched_place *p = &s->places.data[i];
        if (strcmp(tg_sched_place_name(p), name) != 0 || !in_phase(p, phase)) {
            continue;
        }
        seen++;
        if (ordinal == 0 || seen == ordinal) {
            tg_vec_push(s->env->arena, &out, *p);
        }
    }
    if (out.len == 0) {
        if (seen) {
            tg_report(s->env->diags, TG_E0702, span,
                      "there is no %s#%lld: %lld ax%s of that name", name, (long long)ordinal,
                      (long long)seen, seen == 1 ? "is" : "es");
        } else {
            report_unknown(s, phase, name, span);
        }
    }
    return out;
}

/* ---- block sizes -------------------------------------------------------------------------------------------------------- */

static bool positive_int(const tg_sched *s, const tg_tvalue *v, const char *what) {
    if (v->kind == TG_TV_INT && v->integer >= 1) {
        return true;
    }
    tg_report(s->env->diags, TG_E0702, v->span, "%s takes a positive integer", what);
    return false;
}

static bool check_block(const tg_sched *s, const tg_sched_target *t, const tg_tvalue *v) {
    tg_sched_places found = tg_sched_resolve(s, t->phase, t->name, t->ordinal, t->span);
    if (found.len == 0 ||
        !positive_int(s, v,
                      tg_arena_printf(s->env->arena, "the block size of '%s'", t->name))) {
        return false;
    }
    bool good = false;
    for (uint32_t i = 0; i < found.len; i++) {
        const tg_axis *a = found.data[i].axis;
        good = good || (a && !a->like && !(a->kind == TG_AXIS_LOCAL && a->extent >= 0));
    }
    if (good) {
        return true;
    }
    const tg_axis *a = found.data[0].axis;
    tg_diag *d = tg_report(s->env->diags, TG_E0701, t->span, "'%s' has no block size", t->name);
    if (!a) {
        tg_diag_add_note(s->env->diags, d,
                         "it is an `each` scalar: one value at a time; `group(%s) = n` handles "
                         "several together",
                         t->name);
    } else if (a->like) {
        tg_diag_add_note(s->env->diags, d,
                         "it runs over the block of '%s' and follows its size", a->like->name);
    } else {
        tg_diag_add_note(s->env->diags, d,
                         "its extent is the constant %lld, which tiles may rely on as a whole",
                         (long long)a->extent);
    }
    return false;
}

/* ---- parameters ------------------------------------------------------------------------------------------------------------ */

static bool has_word(const char *words, const char *word) {
    size_t n = strlen(word);
    for (const char *at = strstr(words, word); at; at = strstr(at + 1, word)) {
        if ((at == words || at[-1] == ' ') && (at[n] == ' ' || at[n] == 0)) {
            return true;
        }
    }
    return false;
}

static bool check_names(const tg_sched *s, const tg_sched_param *p, const tg_tvalue *v) {
    if (v->kind == TG_TV_NAME && v->n_items == 0) {
        return tg_sched_resolve(s, NULL, v->name, 0, v->span).len > 0;
    }
    if (v->kind != TG_TV_TUPLE) {
        tg_report(s->env->diags, TG_E0702, v->span,
                  "%s takes a list of axes, as in `%s = (m, n)`", p->key, p->key);
        return false;
    }
    for (uint32_t i = 0; i < v->n_items; i++) {
        const tg_tvalue *item = v->items[i];
        if (item->kind != TG_TV_NAME) {
            tg_report(s->env->diags, TG_E0702, item->span, "%s takes names of axes", p->key);
            return false;
        }
        if (tg_sched_resolve(s, NULL, item->name, 0, item->span).len == 0) {
            return false;
        }
        for (uint32_t k = 0; k < i; k++) {
            if (v->items[k]->name == item->name) {
                tg_report(s->env->diags, TG_E0702, item->span, "'%s' stands twice in %s",
                          item->name, p->key);
                return false;
            }
        }
    }
    return true;
}

static bool check_value(const tg_sched *s, const tg_sched_param *p, const tg_tvalue *v) {
    bool is_word = v->kind == TG_TV_NAME && has_word(p->words, v->name);
    switch (p->value) {
    case TG_SV_INT:
        return positive_int(s, v, p->key);
    case TG_SV_BOOL:
        if (v->kind != TG_TV_BOOL) {
            tg_report(s->env->diags, TG_E0702, v->span, "%s takes true or false", p->key);
        }
        return v->kind == TG_TV_BOOL;
    case TG_SV_WORD:
        if (!is_word) {
            tg_report(s->env->diags, TG_E0702, v->span, "%s takes one of: %s", p->key,
                      p->words);
        }
        return is_word;
    case TG_SV_INT_OR_WORD:
        return is_word || positive_int(s, v, p->key);
    case TG_SV_INTS:
        for (uint32_t i = 0; v->kind == TG_TV_TUPLE && i < v->n_items; i++) {
            if (!positive_int(s, v->items[i], p->key)) {
                return false;
            }
        }
        return v->kind == TG_TV_TUPLE || positive_int(s, v, p->key);
    case TG_SV_AXES:
        return check_names(s, p, v);
    }
    return false;
}

static bool has_tensor(const tg_sched *s, const char *name) {
    for (uint32_t i = 0; i < s->func->n_params; i++) {
        const tg_fparam *p = &s->func->params[i];
        bool tensor = p->kind == TG_FP_IN || p->kind == TG_FP_OUT || p->kind == TG_FP_INOUT;
        if (tensor && strcmp(p->name, name) == 0) {
            return true;
        }
    }
    for (const tg_op *op = s->func->body.body.first; op; op = op->next) {
        if (op->opcode == TG_OP_TEMP && tg_result(op, 0)->name &&
            strcmp(tg_result(op, 0)->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool check_args(const tg_sched *s, const tg_sched_param *p, const tg_sched_target *t) {
    bool needs = p->args == TG_SA_AXIS || p->args == TG_SA_AXES || p->args == TG_SA_TENSOR ||
                 p->args == TG_SA_TILE;
    uint32_t max = p->args == TG_SA_NONE ? 0 : p->args == TG_SA_AXES ? 4 : 1;
    if ((needs && t->n_args == 0) || t->n_args > max) {
        const char *what = p->args == TG_SA_NONE     ? "no argument"
                           : p->args == TG_SA_TENSOR ? "a tensor, as in `pack(B)`"
                           : p->args == TG_SA_TILE   ? "a tile"
                           : p->args == TG_SA_AXES   ? "axes"
                                                     : "one axis";
        tg_report(s->env->diags, TG_E0702, t->span, "%s takes %s in parentheses", p->key, what);
        return false;
    }
    for (uint32_t i = 0; i < t->n_args; i++) {
        if (p->args == TG_SA_TENSOR && !has_tensor(s, t->args[i])) {
            tg_report(s->env->diags, TG_E0702, t->span, "kernel %s has no tensor '%s'",
                      s->func->name, t->args[i]);
            return false;
        }
        bool axis = p->args == TG_SA_AXIS || p->args == TG_SA_AXIS_OPT || p->args == TG_SA_AXES;
        if (axis && tg_sched_resolve(s, t->phase, t->args[i], t->ordinal, t->span).len == 0) {
            return false;
        }
    }
    return true;
}

static bool illegal(const tg_sched *s, tg_span span, const char *what, const char *reason) {
    tg_report(s->env->diags, TG_E0701, span, "%s is not legal: %s", what, reason);
    return false;
}

static bool check_legal(const tg_sched *s, const tg_sched_param *p, const tg_sched_target *t,
                        const tg_tvalue *v) {
    if (strncmp(p->key, "split", 5) == 0 && v->integer > 1) {
        tg_sched_places found = tg_sched_resolve(s, t->phase, t->args[0], t->ordinal, t->span);
        for (uint32_t i = 0; i < found.len; i++) {
            const char *reason = !found.data[i].axis
                                     ? "an `each` scalar is no axis"
                                     : tg_sched_not_accumulating(s, found.data[i].axis);
            if (reason) {
                return illegal(s, t->span,
                               tg_arena_printf(s->env->arena, "%s(%s)", p->key, t->args[0]),
                               reason);
            }
        }
    }
    if (strcmp(p->key, "order") == 0 && v->kind == TG_TV_TUPLE) {
        const char *reason = tg_sched_bad_order(s, v);
        if (reason) {
            return illegal(s, v->span, "this order", reason);
        }
    }
    return true;
}

bool tg_sched_check_setting(const tg_sched *s, const tg_sched_target *t,
                            const tg_tvalue *value) {
    const tg_sched_param *p = tg_sched_param_find(t->name);
    bool axis_of_that_name = false;
    for (uint32_t i = 0; i < s->places.len; i++) {
        axis_of_that_name =
            axis_of_that_name || strcmp(tg_sched_place_name(&s->places.data[i]), t->name) == 0;
    }
    if (!p || (t->n_args == 0 && axis_of_that_name)) {
        if (t->n_args) {
            report_unknown(s, t->phase, t->name, t->span);
            return false;
        }
        return check_block(s, t, value);
    }
    return check_args(s, p, t) && check_value(s, p, value) && check_legal(s, p, t, value);
}

/* ---- items -------------------------------------------------------------------------------------------------------------------- */

static bool same_target(const tg_sched_target *x, const tg_sched_target *y) {
    if (x->name != y->name || x->phase != y->phase || x->ordinal != y->ordinal ||
        x->n_args != y->n_args) {
        return false;
    }
    for (uint32_t i = 0; i < x->n_args; i++) {
        if (x->args[i] != y->args[i]) {
            return false;
        }
    }
    return true;
}

/* The same target set twice in one item. */
static bool check_repeats(const tg_sched *s, const tg_item *item) {
    for (uint32_t i = 0; i < item->u.tune.n_items; i++) {
        const tg_titem *x = &item->u.tune.items[i];
        for (uint32_t k = 0; k < i; k++) {
            const tg_titem *y = &item->u.tune.items[k];
            for (uint32_t a = 0; a < x->n_targets; a++) {
                for (uint32_t b = 0; b < y->n_targets; b++) {
                    if (same_target(&x->targets[a], &y->targets[b])) {
                        tg_diag *d = tg_report(s->env->diags, TG_E0702, x->targets[a].span,
                                               "'%s' is set twice", x->targets[a].name);
                        tg_diag_add_label(s->env->diags, d, y->targets[b].span, "first here");
                        return false;
                    }
                }
            }
        }
    }
    return true;
}

/* Names in `require`: parameters, axes, dimensions, smem, regs. */
static bool check_require(const tg_sched *s, const tg_expr *x) {
    switch ((int)x->kind) {
    case TG_EXPR_NAME: {
        const char *name = x->u.name.name;
        bool known = strcmp(name, "smem") == 0 || tg_sched_param_find(name);
        for (uint32_t i = 0; i < s->places.len; i++) {
            known = known || strcmp(tg_sched_place_name(&s->places.data[i]), name) == 0;
        }
        for (uint32_t i = 0; i < s->sig->n_dims; i++) {
            known = known || strcmp(s->sig->dims[i].name, name) == 0;
        }
        for (uint32_t i = 0; i < s->sig->n_params; i++) {
            known = known || strcmp(s->sig->params[i].name, name) == 0;
        }
        if (!known) {
            report_unknown(s, NULL, name, x->span);
        }
        return known;
    }
    case TG_EXPR_UNARY:
        return check_require(s, x->u.unary.operand);
    case TG_EXPR_BINARY:
        return check_require(s, x->u.binary.left) && check_require(s, x->u.binary.right);
    case TG_EXPR_COND:
        return check_require(s, x->u.cond.test) && check_require(s, x->u.cond.yes) &&
               check_require(s, x->u.cond.no);
    case TG_EXPR_CALL:
        for (uint32_t i = 0; i < x->u.call.n_args; i++) {
            if (!check_require(s, x->u.call.args[i].value)) {
                return false;
            }
        }
        return true;
    default:
        return true;
    }
}

static bool check_buckets(const tg_sched *s, const tg_titem *t) {
    for (uint32_t i = 0; i < t->n_buckets; i++) {
        bool known = false;
        for (uint32_t k = 0; k < s->sig->n_dims; k++) {
            known = known || strcmp(s->sig->dims[k].name, t->buckets[i].name) == 0;
        }
        const char *how = t->buckets[i].how;
        if (!known || (how && strcmp(how, "pow2") != 0 && strcmp(how, "any") != 0)) {
            tg_report(s->env->diags, TG_E0702, t->span,
                      known ? "a bucket is pow2 or any" : "kernel %s has no dimension '%s'",
                      s->func->name, t->buckets[i].name);
            return false;
        }
    }
    return true;
}

static bool check_titem(const tg_sched *s, const tg_titem *t) {
    bool good = true;
    tg_tvalue lo = {.span = t->span, .kind = TG_TV_INT, .integer = t->lo};
    switch (t->kind) {
    case TG_TI_SET:
    case TG_TI_CHOICES:
        for (uint32_t i = 0; i < t->n_targets; i++) {
            for (uint32_t k = 0; k < t->n_values && good; k++) {
                good = tg_sched_check_setting(s, &t->targets[i], t->values[k]);
            }
        }
        return good;
    case TG_TI_RANGE:
        if (t->lo > t->hi || t->step < 1) {
            tg_report(s->env->diags, TG_E0702, t->span, "this range is empty");
            return false;
        }
        for (uint32_t i = 0; i < t->n_targets && good; i++) {
            good = tg_sched_check_setting(s, &t->targets[i], &lo);
        }
        return good;
    case TG_TI_REQUIRE:
        return check_require(s, t->require);
    case TG_TI_BUCKET:
        return check_buckets(s, t);
    }
    return good;
}

bool tg_sched_check_item(const tg_sched *s, const tg_item *item) {
    bool good = check_repeats(s, item);
    for (uint32_t i = 0; i < item->u.tune.n_items; i++) {
        const tg_titem *t = &item->u.tune.items[i];
        if (item->kind == TG_ITEM_SCHEDULE && t->kind != TG_TI_SET) {
            tg_report(s->env->diags, TG_E0702, t->span,
                      "a schedule sets values; choices, ranges, `require` and `bucket` belong "
                      "in a `tune` item");
            good = false;
        } else {
            good = check_titem(s, t) && good;
        }
    }
    return good;
}
