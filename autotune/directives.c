/* What can be varied beside blocks: the directives that the target offers for this kernel (register tiles, the axis of vector lanes, packing,
 * the order of a grid), and splits of reductions where the grid alone has too little for all threads.
 *
 * A directive is legal by the rules of schedules: the front end is asked, so nothing about legality is known here. What a `tune` clause or
 * the source's own schedule settles is left out. In deterministic mode only the order of the grid remains: it leaves every sum as it is. */
#include "autotune/tuner.h"

#include <string.h>

static const int64_t parts_of_split[] = {2, 4, 8, 16};
static const double FEW_INSTANCES = 4; /* per thread */

static bool is_legal(const tg_space *s, const char *schedule) {
    tg_artifact a;
    const char *message;
    return tg_problem_compile(s->problem, schedule, 0, &a, &message) == TG_OK;
}

static void add_settings(const tg_space *s, tg_space_param *p, const char *settings) {
    if (p && p->n < TG_SPACE_VALUES && is_legal(s, settings)) {
        p->text[p->n++] = settings;
    }
}

/* A parameter without values is none. */
static void drop_empty(tg_space *s) {
    if (s->n_params > s->n_ranked && s->params[s->n_params - 1].n < 2) {
        s->n_params--;
    }
}

static const char *settings_of(const tg_directive *d, uint32_t value, tg_arena *arena) {
    tg_strbuf text;
    tg_strbuf_init(&text, arena);
    for (uint32_t k = 0; k < d->n_targets; k++) {
        tg_strbuf_printf(&text, "%s%s = %s", k ? "; " : "", d->target[k], d->value[value][k]);
    }
    return text.data;
}

static bool is_settled(const tg_space *s, const tg_directive *d) {
    for (uint32_t k = 0; k < d->n_targets; k++) {
        if (tg_space_has(s, d->target[k])) {
            return true;
        }
    }
    return false;
}

static bool is_order(const tg_directive *d) {
    size_t n = strlen(d->target[0]);
    return n >= 5 && strcmp(d->target[0] + n - 5, "order") == 0;
}

static void add_directive(tg_space *s, const tg_directive *d) {
    tg_arena *arena = s->problem->arena;
    if (is_settled(s, d) || (s->reduction_fixed && !is_order(d))) {
        return;
    }
    const char *key = d->n_targets == 1
                          ? d->target[0]
                          : tg_arena_printf(arena, "%s, %s", d->target[0], d->target[1]);
    tg_space_param *p = tg_space_add(s, key, TG_ROLE_DIRECTIVE, NULL);
    for (uint32_t v = 0; p && v < d->n_values; v++) {
        p->directive = d;
        add_settings(s, p, settings_of(d, v, arena));
    }
    drop_empty(s);
}

static bool is_vector(const tg_space_param *p) {
    return p->directive && strncmp(p->key, "vector(", 7) == 0;
}

/* Two axes for the lanes of the same loops: the target is asked whether each finds loops of its own. */
static void note_apart(tg_space *s) {
    tg_artifact a;
    const char *message;
    for (uint32_t i = s->n_ranked; i < s->n_params; i++) {
        for (uint32_t k = i + 1; k < s->n_params; k++) {
            const tg_space_param *p = &s->params[i], *q = &s->params[k];
            if (!is_vector(p) || !is_vector(q)) {
                continue;
            }
            const char *both = tg_arena_printf(s->problem->arena, "%s; %s", p->text[1], q->text[1]);
            bool fits = tg_problem_compile(s->problem, both, TG_EMIT_DIRECTIVES, &a, &message) == TG_OK;
            s->apart[i] |= fits ? 0 : UINT32_C(1) << k;
            s->apart[k] |= fits ? 0 : UINT32_C(1) << i;
        }
    }
}

static void add_split(tg_space *s, const tg_axis *a) {
    tg_arena *arena = s->problem->arena;
    const char *key = tg_arena_printf(arena, "split(%s)", a->name);
    double size = s->problem->sizes[a->rank];
    if (tg_space_has(s, key) || tg_func_scheduled(s->problem->func, "split", a, NULL)) {
        return;
    }
    tg_space_param *p = tg_space_add(s, key, TG_ROLE_DIRECTIVE, NULL);
    for (size_t i = 0; i < sizeof parts_of_split / sizeof *parts_of_split; i++) {
        if (size >= 32 * (double)parts_of_split[i]) {
            add_settings(
                s, p, tg_arena_printf(arena, "%s = %lld", key, (long long)parts_of_split[i]));
        }
    }
    drop_empty(s);
}

void tg_space_add_directives(tg_space *s, int32_t n_threads) {
    const tg_func *f = s->problem->func;
    tg_artifact a;
    const char *message;
    if (tg_problem_compile(s->problem, NULL, TG_EMIT_DIRECTIVES, &a, &message) == TG_OK) {
        for (uint32_t i = 0; i < a.object.n_directives; i++) {
            add_directive(s, &a.object.directives[i]);
        }
        note_apart(s);
    }
    bool idle = n_threads > 1 && tg_model_instances(s, n_threads) < FEW_INSTANCES * n_threads;
    for (uint32_t i = 0; i < f->axes.len && idle && !s->reduction_fixed; i++) {
        const tg_axis *axis = f->axes.data[i];
        if (axis->name && !axis->like && axis->kind != TG_AXIS_GRID) {
            add_split(s, axis);
        }
    }
}
