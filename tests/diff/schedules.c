/* Random schedules for random programs: block sizes, splits of reductions, and directives that the target says it would obey.
 *
 * A schedule keeps the meaning of a program, but a split sums in another order, for which the bounds of the program as
 * written need not hold: (1e8 + -1e8) + 1 has other partial sums than 1e8 + (-1e8 + 1). So the interpreter runs the
 * program after the split too, and that gives the bounds for everything that follows (case.c); the two runs of it
 * enclose the same real number and must overlap. */
#include "dsl/passes/passes.h"
#include "tests/diff/case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DIRECTIVES = 3 };

typedef struct schedule {
    tg_func *f;
    tg_arena *arena;
    uint64_t rng;
} schedule;

static uint32_t below(schedule *s, uint32_t n) {
    return (uint32_t)(diff_random(&s->rng) % n);
}

static void random_blocks(schedule *s) {
    static const int64_t blocks[] = {1, 3, 8, 16, 48, 100};
    for (uint32_t i = 0; i < s->f->axes.len && !s->f->block_dependent; i++) {
        tg_axis *a = s->f->axes.data[i];
        if (a->kind != TG_AXIS_LOCAL && below(s, 3) == 0) {
            a->block = blocks[below(s, 6)];
            a->scheduled = true;
        }
    }
}

static void random_splits(schedule *s) {
    for (uint32_t i = 0; i < s->f->axes.len; i++) {
        tg_axis *a = s->f->axes.data[i];
        if (a->kind == TG_AXIS_GRID || below(s, 4) == 0) {
            continue;
        }
        tg_sched_item item = {
            .axes = {a}, .n_axes = 1, .arg = a->name, .integer = 2 + below(s, 4)};
        item.key = tg_intern_cstr(s->f->names, below(s, 4) ? "split" : "split_atomic");
        tg_vec_push(s->arena, &s->f->schedule, item);
        if (tg_split_refusal(s->f)) {
            s->f->schedule.len--;
        }
    }
}

/* ---- directives ------------------------------------------------------------------------------------------- */

static tg_axis *axis_of(const tg_func *f, tg_name name) {
    for (uint32_t i = 0; i < f->axes.len; i++) {
        if (f->axes.data[i]->name == name) {
            return f->axes.data[i];
        }
    }
    return NULL;
}

/* "(a, b)" */
static void parse_names(schedule *s, const char *text, tg_sched_item *item) {
    item->names = TG_NEW_ARRAY(s->arena, tg_name, 16);
    for (const char *p = text + 1; *p && item->n_names < 16;) {
        size_t n = strcspn(p, ",)");
        item->names[item->n_names++] = tg_intern(s->f->names, p, n);
        p += n + strspn(p + n, ",) ");
    }
}

/* An item as the parser would make it of `target = value`. */
static tg_sched_item item_of(schedule *s, const char *target, const char *value) {
    tg_sched_item item = {0};
    size_t n = strcspn(target, "(");
    item.key = tg_intern(s->f->names, target, n);
    if (target[n]) {
        item.arg = tg_intern(s->f->names, target + n + 1, strcspn(target + n + 1, ")"));
        item.axes[0] = axis_of(s->f, item.arg);
        item.n_axes = item.axes[0] != NULL;
    }
    if (*value == '(') {
        parse_names(s, value, &item);
    } else {
        item.integer = strcmp(value, "true") == 0 ? 1 : strtoll(value, NULL, 10);
    }
    return item;
}

/* The program as it stands, compiled no further than its directives; null if the target refuses it. */
static const tg_object *plan(schedule *s) {
    tg_machine m;
    tg_codegen_options c = {0};
    tg_object *o = TG_NEW(s->arena, tg_object);
    const char *message;
    if (!tg_target_x86.machine(diff_arch, &m)) {
        return NULL;
    }
    tg_func *f = tg_func_clone(s->f, s->arena, NULL);
    const char *bad = tg_pass_run_list(f, tg_target_x86.passes(&m, &c), NULL);
    bool ok = !bad && tg_target_x86.compile(f, &m, &c, TG_EMIT_DIRECTIVES, s->arena, o,
                                            &message) == TG_OK;
    return ok ? o : NULL;
}

/* Of several that the target would obey alone, one may leave no place for another: that one is left out. */
static void random_directives(schedule *s) {
    const tg_object *o = plan(s);
    for (uint32_t i = 0; o && o->n_directives && i < MAX_DIRECTIVES; i++) {
        const tg_directive *d = &o->directives[below(s, o->n_directives)];
        uint32_t value = below(s, d->n_values), keep = s->f->schedule.len;
        bool known = false;
        for (uint32_t k = 0; k < d->n_targets; k++) {
            tg_sched_item item = item_of(s, d->target[k], d->value[value][k]);
            known = known || tg_func_scheduled(s->f, item.key, item.axes[0], item.arg);
            tg_vec_push(s->arena, &s->f->schedule, item);
        }
        if (known || !plan(s)) {
            s->f->schedule.len = keep;
        }
    }
}

char *diff_schedule(const char *text, uint64_t seed) {
    tg_unwind unwind;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &unwind);
    if (TG_PROTECT(&unwind)) {
        abort();
    }
    const char *why;
    schedule s = {diff_read(text, arena, &why), arena, seed * 0x9e3779b97f4a7c15 + 3};
    char *out = NULL;
    if (s.f) {
        random_blocks(&s);
        random_splits(&s);
        random_directives(&s);
        out = diff_with_function(text, s.f, arena);
    }
    tg_arena_destroy(arena);
    return out;
}
