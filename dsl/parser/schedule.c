/* Tune and schedule items: which of them hold for an instance, in which order, and what they set (language.md section 11).
 *
 * A schedule is data on the function: block sizes on its axes, everything else as tg_sched_item. Nothing here looks at a
 * target beyond the names that `@` may match. Names and values: schedule_check.c; legality: schedule_legal.c. */
#include "base/io.h"
#include "dsl/parser/schedule_internal.h"

#include <string.h>

/* ---- checking ----------------------------------------------------------------------------------------------------------- */

static void check_when(const tg_sig_env *env, const tg_signature *sig, const tg_item *item) {
    tg_sig_expr e;
    bool is_bool = false;
    if (item->u.tune.when && tg_sig_expr_build(env, sig, item->u.tune.when, &e, &is_bool) &&
        !is_bool) {
        tg_report(env->diags, TG_E0206, item->u.tune.when->span,
                  "a number is no condition; write `!= 0`");
    }
}

void tg_schedule_check(const tg_sig_env *env, const tg_func *f, const tg_signature *sig,
                       const tg_item *item) {
    tg_sched s;
    tg_sched_open(&s, env, f, sig);
    check_when(env, sig, item);
    (void)tg_sched_check_item(&s, item);
}

/* ---- which items hold ------------------------------------------------------------------------------------------------------ */

/* Values of `when`: types and constants of the instance; false if it reads what only a launch knows. */
static bool readable(const tg_signature *sig, const tg_sig_expr *e) {
    for (uint32_t i = 0; i < e->n; i++) {
        int64_t at = e->code[i].imm.i;
        switch ((int)e->code[i].op) {
        case TG_SE_DIM:
            if (sig->dims[at].const_slot < 0) {
                return false;
            }
            break;
        case TG_SE_SCALAR_I:
        case TG_SE_SCALAR_F:
            if (sig->params[at].const_slot < 0) {
                return false;
            }
            break;
        case TG_SE_CONTIGUOUS:
        case TG_SE_ALIGNED:
            return false;
        default:
            break;
        }
    }
    return true;
}

static bool evaluate_when(const tg_sig_env *env, const tg_signature *sig, const tg_sig_expr *e,
                          const tg_instance_spec *spec) {
    tg_launch_binding *b = TG_NEW(env->arena, tg_launch_binding);
    tg_launch_arg *args = TG_NEW_ARRAY(env->arena, tg_launch_arg, sig->n_params);
    static char element;
    const tg_tensor_arg given = {.data = &element};
    for (uint32_t i = 0; i < sig->n_tparams && spec->types; i++) {
        b->types[i] = spec->types[i];
    }
    for (uint32_t i = 0; i < sig->n_dims; i++) {
        int32_t slot = sig->dims[i].const_slot;
        b->dims[i] = slot >= 0 && spec->consts ? spec->consts[slot].i : 0;
    }
    for (uint32_t i = 0; i < sig->n_params; i++) {
        int32_t slot = sig->params[i].const_slot;
        if (slot >= 0 && spec->consts) {
            args[i] = (tg_launch_arg){.dtype = spec->consts[slot].dtype,
                                      .scalar = spec->consts[slot]};
        }
        args[i].tensor = !spec->present || spec->present[i] ? &given : NULL;
    }
    return tg_sig_eval(e, sig, b, args, NULL) != 0;
}

static bool when_holds(const tg_sig_env *env, const tg_signature *sig, const tg_item *item,
                       const tg_instance_spec *spec) {
    tg_sig_expr e;
    bool is_bool;
    if (!item->u.tune.when) {
        return true;
    }
    return tg_sig_expr_build(env, sig, item->u.tune.when, &e, &is_bool) && is_bool &&
           readable(sig, &e) && evaluate_when(env, sig, &e, spec);
}

/* 0: no `@`; 1: the family; 2: the level; 3: the architecture; -1: another machine */
static int target_rank(const tg_item *item, const tg_machine *m) {
    const char *target = item->u.tune.target;
    if (!target) {
        return 0;
    }
    if (m && m->arch && strcmp(m->arch, target) == 0) {
        return 3;
    }
    if (m && m->level && strcmp(m->level, target) == 0) {
        return 2;
    }
    return m && m->family && strcmp(m->family, target) == 0 ? 1 : -1;
}

/* ---- setting ------------------------------------------------------------------------------------------------------------------ */

static tg_axis *own_axis(const tg_func *f, const tg_axis *a) {
    return f->axes.data[a->rank];
}

static void set_block(const tg_sched *s, tg_func *f, const tg_sched_target *t, int64_t block) {
    tg_sched_places found = tg_sched_resolve(s, t->phase, t->name, t->ordinal, t->span);
    for (uint32_t i = 0; i < found.len; i++) {
        const tg_axis *a = found.data[i].axis;
        if (a && !a->like && !(a->kind == TG_AXIS_LOCAL && a->extent >= 0)) {
            own_axis(f, a)->block = block;
            own_axis(f, a)->scheduled = true;
        }
    }
}

static bool same_item(const tg_sched_item *x, const tg_sched_item *y) {
    if (strcmp(x->key, y->key) != 0 || x->n_axes != y->n_axes || x->arg != y->arg) {
        return false;
    }
    for (uint32_t i = 0; i < x->n_axes; i++) {
        if (x->axes[i] != y->axes[i]) {
            return false;
        }
    }
    return true;
}

static void put_item(tg_func *f, tg_sched_item item) {
    for (uint32_t i = 0; i < f->schedule.len; i++) {
        if (same_item(&f->schedule.data[i], &item)) {
            f->schedule.data[i] = item;
            return;
        }
    }
    tg_vec_push(f->arena, &f->schedule, item);
}

static tg_name number_name(tg_func *f, int64_t v) {
    char text[24];
    tg_format(text, sizeof text, "%lld", (long long)v);
    return tg_intern_cstr(f->names, text);
}

/* The value as integer and list of names: 6 → 6; true → 1; row → (row); grouped(8) → 8 (grouped); (2, 1) → 2 (2, 1). */
static void set_value(tg_func *f, const tg_tvalue *v, tg_sched_item *out) {
    TG_VEC(tg_name) names = {0};
    switch (v->kind) {
    case TG_TV_INT:
        out->integer = v->integer;
        return;
    case TG_TV_BOOL:
        out->integer = v->boolean;
        return;
    case TG_TV_FLOAT:
        out->integer = (int64_t)v->number;
        return;
    case TG_TV_NAME:
        tg_vec_push(f->arena, &names, tg_intern_cstr(f->names, v->name));
        out->integer = v->n_items && v->items[0]->kind == TG_TV_INT ? v->items[0]->integer : 0;
        break;
    case TG_TV_TUPLE:
        for (uint32_t i = 0; i < v->n_items; i++) {
            bool number = v->items[i]->kind == TG_TV_INT;
            out->integer = i == 0 && number ? v->items[i]->integer : out->integer;
            tg_vec_push(f->arena, &names,
                        number ? number_name(f, v->items[i]->integer)
                               : tg_intern_cstr(f->names, v->items[i]->name));
        }
        break;
    }
    out->names = names.data;
    out->n_names = names.len;
}

/* One item per axis of the name for `reg(m)`, one with all axes for `fuse(p, q)`. */
static void set_param(const tg_sched *s, tg_func *f, const tg_sched_param *p,
                      const tg_sched_target *t, const tg_tvalue *v) {
    tg_sched_item item = {.key = tg_intern_cstr(f->names, p->key)};
    set_value(f, v, &item);
    if (t->n_args == 0 || p->args == TG_SA_TENSOR || p->args == TG_SA_TILE) {
        item.arg = t->n_args ? tg_intern_cstr(f->names, t->args[0]) : t->phase;
        put_item(f, item);
        return;
    }
    if (p->args == TG_SA_AXES) {
        for (uint32_t i = 0; i < t->n_args && i < 4; i++) {
            tg_sched_places found = tg_sched_resolve(s, t->phase, t->args[i], 0, t->span);
            if (found.len && found.data[0].axis) {
                item.axes[item.n_axes++] = own_axis(f, found.data[0].axis);
            }
        }
        put_item(f, item);
        return;
    }
    item.arg = tg_intern_cstr(f->names, t->args[0]);
    tg_sched_places found = tg_sched_resolve(s, t->phase, t->args[0], t->ordinal, t->span);
    for (uint32_t i = 0; i < found.len; i++) {
        tg_sched_item one = item;
        if (found.data[i].axis) {
            one.axes[one.n_axes++] = own_axis(f, found.data[i].axis);
        }
        put_item(f, one);
    }
}

static void apply_setting(const tg_sched *s, tg_func *f, const tg_sched_target *t,
                          const tg_tvalue *v) {
    if (!tg_sched_check_setting(s, t, v)) {
        return;
    }
    const tg_sched_param *p = tg_sched_param_find(t->name);
    bool is_axis = false;
    for (uint32_t i = 0; i < s->places.len; i++) {
        is_axis = is_axis || strcmp(tg_sched_place_name(&s->places.data[i]), t->name) == 0;
    }
    if (!p || (t->n_args == 0 && is_axis)) {
        set_block(s, f, t, v->integer);
    } else {
        set_param(s, f, p, t, v);
    }
}

static void apply_item(const tg_sched *s, tg_func *f, const tg_item *item) {
    for (uint32_t i = 0; i < item->u.tune.n_items; i++) {
        const tg_titem *t = &item->u.tune.items[i];
        for (uint32_t k = 0; t->kind == TG_TI_SET && k < t->n_targets; k++) {
            apply_setting(s, f, &t->targets[k], t->values[0]);
        }
    }
}

/* Block sizes given from outside: those that name nothing here are for other kernels. */
static void apply_overrides(tg_func *f, const tg_instance_spec *spec) {
    for (uint32_t i = 0; i < spec->n_blocks; i++) {
        for (uint32_t k = 0; k < f->axes.len; k++) {
            tg_axis *a = f->axes.data[k];
            bool fixed = a->like || (a->kind == TG_AXIS_LOCAL && a->extent >= 0);
            if (!fixed && a->name && strcmp(a->name, spec->blocks[i].axis) == 0) {
                a->block = spec->blocks[i].block;
                a->scheduled = true;
            }
        }
    }
}

void tg_schedule_apply(const tg_sig_env *env, tg_func *f, const tg_signature *sig,
                       const tg_file *file, const tg_item *kernel, const tg_item *given,
                       const tg_instance_spec *spec) {
    tg_sched s;
    tg_sched_open(&s, env, f, sig);
    /* from the least to the most specific, so that later settings replace earlier ones */
    for (int rank = 0; rank < 8 && !spec->only_given; rank++) {
        for (uint32_t i = 0; i < file->n_items; i++) {
            const tg_item *item = file->items[i];
            if (item->kind != TG_ITEM_SCHEDULE || item->u.tune.name != kernel->u.kernel.name) {
                continue;
            }
            int target = target_rank(item, spec->machine);
            if (target * 2 + (item->u.tune.when != NULL) == rank && target >= 0 &&
                when_holds(env, sig, item, spec)) {
                apply_item(&s, f, item);
            }
        }
    }
    if (given && tg_sched_check_item(&s, given)) {
        apply_item(&s, f, given);
    }
    apply_overrides(f, spec);
}

/* ---- from outside ----------------------------------------------------------------------------------------------------------- */

static uint32_t add_source(const tg_diags *diags, const char *text) {
    union {
        const tg_sources *c;
        tg_sources *m;
    } sources = {.c = diags->sources};
    return tg_sources_add(sources.m, "<schedule>", text, strlen(text));
}

const tg_item *tg_schedule_parse(const tg_sig_env *env, const tg_item *kernel,
                                 const char *text) {
    size_t n = strlen(text);
    while (n && strchr(" \t\r\n", text[n - 1])) {
        n--;
    }
    const char *whole =
        tg_arena_printf(env->arena, "schedule %s { %.*s%s }", kernel->u.kernel.name, (int)n,
                        text, n && text[n - 1] != ';' ? ";" : "");
    uint32_t errors = env->diags->n_errors, source = add_source(env->diags, whole);
    const tg_file *file = tg_parse_file(env->arena, env->names, env->diags, source);
    if (env->diags->n_errors != errors) {
        return NULL;
    }
    if (file->n_items != 1) {
        tg_report(env->diags, TG_E0702, file->items[0]->span,
                  "a schedule is a list of settings, as in `m = 64; reg(n) = 16`");
        return NULL;
    }
    return file->items[0];
}
