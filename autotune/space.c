/* The schedules worth trying for a kernel, from its tile IR.
 *
 *   block axes  every grid or loop axis whose size the source does not fix: sizes near the usual cache and register multiples
 *   directives  see directives.c
 *
 * `tune` clauses of the source replace the values of what they name, add parameters, and forbid combinations (`require`). The first
 * value of every parameter is "left to the compiler": the first point is the default schedule. */
#include "autotune/tuner.h"

#include <string.h>

static const int64_t grid_blocks[] = {8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024};
static const int64_t loop_blocks[] = {16, 32, 64, 128, 256, 512, 1024};

/* ---- parameters ------------------------------------------------------------------------------------- */

bool tg_space_has(const tg_space *s, const char *key) {
    for (uint32_t i = 0; i < s->n_params; i++) {
        if (strcmp(s->params[i].key, key) == 0) {
            return true;
        }
    }
    return false;
}

tg_space_param *tg_space_add(tg_space *s, const char *key, tg_param_role role,
                             const tg_axis *axis) {
    for (uint32_t i = 0; i < s->n_params; i++) {
        if (strcmp(s->params[i].key, key) == 0) {
            return &s->params[i];
        }
    }
    if (s->n_params == TG_SPACE_PARAMS) {
        return NULL;
    }
    tg_space_param *p = &s->params[s->n_params++];
    *p = (tg_space_param){.key = key, .role = role, .axis = axis, .n = 1};
    return p;
}

/* A value that is there already is left out. */
static void add_value(const tg_space *s, tg_space_param *p, int64_t number, const char *text) {
    if (!p || p->n == TG_SPACE_VALUES) {
        return;
    }
    text = text ? text : tg_arena_printf(s->problem->arena, "%lld", (long long)number);
    for (uint32_t i = 1; i < p->n; i++) {
        if (strcmp(p->text[i], text) == 0) {
            return;
        }
    }
    p->number[p->n] = number;
    p->text[p->n++] = text;
}

/* Values up to the first that covers the axis; a larger one would mean the same. */
static void add_blocks(const tg_space *s, tg_space_param *p, const int64_t *list, size_t n,
                       double size) {
    for (size_t i = 0; p && i < n; i++) {
        add_value(s, p, list[i], NULL);
        if ((double)list[i] >= size) {
            return;
        }
    }
}

static bool is_reduced(const tg_space *s, const tg_axis *a) {
    return a->kind != TG_AXIS_GRID && s->reduction_fixed;
}

/* Axes of one name are one parameter: a plain name in a schedule means all of them. */
static void add_axes(tg_space *s) {
    const tg_func *f = s->problem->func;
    for (uint32_t i = 0; i < f->axes.len; i++) {
        const tg_axis *a = f->axes.data[i];
        bool free_size = !a->like && a->block == 0 && a->kind != TG_AXIS_LOCAL && a->name;
        double size = s->problem->sizes[i];
        if (!free_size || size < 2 || is_reduced(s, a)) {
            continue;
        }
        uint32_t before = s->n_params;
        tg_space_param *p = tg_space_add(s, a->name, TG_ROLE_BLOCK, a);
        if (s->n_params > before && a->kind == TG_AXIS_GRID) {
            add_blocks(s, p, grid_blocks, sizeof grid_blocks / sizeof *grid_blocks, size);
        } else if (s->n_params > before) {
            add_blocks(s, p, loop_blocks, sizeof loop_blocks / sizeof *loop_blocks, size);
        }
    }
}

/* ---- clauses ------------------------------------------------------------------------------------------ */

static const char *target_key(const tg_space *s, const tg_sched_target *t) {
    tg_arena *a = s->problem->arena;
    tg_strbuf k;
    tg_strbuf_init(&k, a);
    tg_strbuf_printf(&k, "%s%s%s", t->phase ? t->phase : "", t->phase ? "." : "", t->name);
    if (t->ordinal) {
        tg_strbuf_printf(&k, "#%lld", (long long)t->ordinal);
    }
    for (uint32_t i = 0; i < t->n_args; i++) {
        tg_strbuf_printf(&k, "%s%s", i ? ", " : "(", t->args[i]);
    }
    tg_strbuf_puts(&k, t->n_args ? ")" : "");
    return k.data;
}

static const tg_axis *axis_named(const tg_space *s, const char *name) {
    const tg_func *f = s->problem->func;
    for (uint32_t i = 0; i < f->axes.len; i++) {
        if (f->axes.data[i]->name && strcmp(f->axes.data[i]->name, name) == 0) {
            return f->axes.data[i];
        }
    }
    return NULL;
}

static void print_value(tg_strbuf *out, const tg_tvalue *v) {
    switch (v->kind) {
    case TG_TV_INT:
        tg_strbuf_printf(out, "%lld", (long long)v->integer);
        return;
    case TG_TV_BOOL:
        tg_strbuf_puts(out, v->boolean ? "true" : "false");
        return;
    case TG_TV_FLOAT:
        tg_strbuf_printf(out, "%g", v->number);
        return;
    case TG_TV_NAME:
        tg_strbuf_puts(out, v->name);
        break;
    case TG_TV_TUPLE:
        break;
    }
    for (uint32_t i = 0; i < v->n_items; i++) {
        tg_strbuf_puts(out, i ? ", " : "(");
        print_value(out, v->items[i]);
    }
    tg_strbuf_puts(out, v->n_items ? ")" : "");
}

static int64_t value_number(const tg_tvalue *v) {
    return v->kind == TG_TV_INT ? v->integer : v->kind == TG_TV_BOOL ? v->boolean : 0;
}

static void set_values(tg_space *s, tg_space_param *p, const tg_titem *item) {
    p->n = 1;
    if (item->kind == TG_TI_RANGE) {
        int64_t step = item->step > 0 ? item->step : 1;
        for (int64_t v = item->lo; v <= item->hi && p->n < TG_SPACE_VALUES; v += step) {
            add_value(s, p, v, NULL);
        }
        return;
    }
    for (uint32_t i = 0; i < item->n_values; i++) {
        tg_strbuf text;
        tg_strbuf_init(&text, s->problem->arena);
        print_value(&text, item->values[i]);
        add_value(s, p, value_number(item->values[i]), text.data);
    }
}

/* A loop axis, or the unknown effect of a parameter that is none of the model's, may change the order of sums. */
static bool keeps_order(const tg_space *s, const tg_sched_target *t) {
    const tg_axis *a = t->n_args ? NULL : axis_named(s, t->name);
    return !s->reduction_fixed || (a && a->kind == TG_AXIS_GRID);
}

static void apply_clause(tg_space *s, const tg_titem *item) {
    bool sets =
        item->kind == TG_TI_CHOICES || item->kind == TG_TI_RANGE || item->kind == TG_TI_SET;
    for (uint32_t i = 0; sets && i < item->n_targets; i++) {
        const tg_sched_target *t = &item->targets[i];
        const tg_axis *a = t->n_args ? NULL : axis_named(s, t->name);
        bool fixed = a && a->block != 0; /* a `schedule` item of the source goes first */
        if (fixed || !keeps_order(s, t)) {
            continue;
        }
        tg_space_param *p =
            tg_space_add(s, target_key(s, t), a ? TG_ROLE_BLOCK : TG_ROLE_CLAUSE, a);
        if (p) {
            set_values(s, p, item);
        }
    }
}

static void find_clauses(tg_space *s) {
    const tg_kernel *k = s->problem->kernel;
    const tg_file *file = tg_unit_file(k->module->compilation->unit);
    for (uint32_t i = 0; i < file->n_items; i++) {
        const tg_item *item = file->items[i];
        if (item->kind == TG_ITEM_TUNE && item->u.tune.name == k->item->u.kernel.name) {
            tg_vec_push(s->problem->arena, &s->clauses, item);
        }
    }
}

/* ---- the whole ------------------------------------------------------------------------------------------ */

void tg_space_make(const tg_problem *p, bool deterministic, tg_space *out) {
    *out = (tg_space){.problem = p, .reduction_fixed = deterministic};
    tg_model_open(out);
    add_axes(out);
    find_clauses(out);
    for (uint32_t i = 0; i < out->clauses.len; i++) {
        const tg_item *item = out->clauses.data[i];
        for (uint32_t k = 0; k < item->u.tune.n_items; k++) {
            apply_clause(out, &item->u.tune.items[k]);
        }
    }
    out->n_ranked = out->n_params;
}

const char *tg_space_text(const tg_space *s, const tg_point *x, tg_arena *arena) {
    tg_strbuf text;
    tg_strbuf_init(&text, arena);
    for (uint32_t i = 0; i < s->n_params; i++) {
        const tg_space_param *p = &s->params[i];
        if (x->at[i]) {
            tg_strbuf_puts(&text, text.len ? " " : "");
            tg_strbuf_printf(&text, p->role == TG_ROLE_DIRECTIVE ? "%.0s%s;" : "%s = %s;",
                             p->key, p->text[x->at[i]]);
        }
    }
    return text.data;
}

int64_t tg_space_number(const tg_space *s, const tg_point *x, const tg_axis *axis) {
    for (uint32_t i = 0; i < s->n_params; i++) {
        const tg_space_param *p = &s->params[i];
        if (p->axis && axis->name && strcmp(p->axis->name, axis->name) == 0) {
            return x->at[i] ? p->number[x->at[i]] : axis->block;
        }
    }
    return axis->block;
}
