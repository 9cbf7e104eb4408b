/* The pass manager: finds passes by name in the table of passes.def, runs them, checks and
 * times them if asked. */
#include "dsl/passes/lower_math.h"
#include "dsl/passes/passes.h"

#include <string.h>
#include <time.h>

static const tg_pass passes[] = {
#define PASS(id, name, summary) {name, summary, tg_pass_##id},
#include "dsl/passes/passes.def"
#undef PASS
};

const tg_pass *tg_pass_of(tg_pass_id id) {
    return &passes[id];
}

tg_pass_id tg_pass_from_name(const char *name, size_t n) {
    uint32_t i = 0;
    while (i < TG_PASS_COUNT &&
           !(strlen(passes[i].name) == n && memcmp(passes[i].name, name, n) == 0)) {
        i++;
    }
    return (tg_pass_id)i;
}

static bool lower_math(tg_func *f, bool ldexp) {
    uint32_t before = f->next_op_id;
    tg_lower_math(f, ldexp);
    return f->next_op_id != before;
}

bool tg_pass_lower_math(tg_func *f) {
    return lower_math(f, false);
}

bool tg_pass_lower_math_ldexp(tg_func *f) {
    return lower_math(f, true);
}

static double now_seconds(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static const char *run_one(tg_func *f, tg_pass_id id, const tg_pass_options *o) {
    double start = o->seconds ? now_seconds() : 0.0;
    passes[id].run(f);
    if (o->seconds) {
        o->seconds[id] += now_seconds() - start;
    }
    const char *broken = o->verify_each ? tg_ir_verify(f, f->arena) : NULL;
    if (broken) {
        return tg_arena_printf(f->arena, "after pass %s: %s", passes[id].name, broken);
    }
    if (o->after) {
        o->after(o->user, passes[id].name, f);
    }
    return NULL;
}

const char *tg_pass_run_list(tg_func *f, const char *list, const tg_pass_options *options) {
    tg_pass_options none = {0};
    const tg_pass_options *o = options ? options : &none;
    const char *error = NULL;
    uint32_t n_run = 0;
    while (*list && !error && (o->limit == 0 || n_run < o->limit)) {
        size_t n = strcspn(list, ",");
        tg_pass_id id = tg_pass_from_name(list, n);
        if (id == TG_PASS_COUNT) {
            return tg_arena_printf(f->arena, "unknown pass %.*s", (int)n, list);
        }
        error = run_one(f, id, o);
        n_run++;
        list += n + (list[n] == ',');
    }
    return error;
}
