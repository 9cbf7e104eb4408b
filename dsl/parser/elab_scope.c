/* Scopes and names. A scope is a linked list of symbols; popping restores a mark. An inlined
 * function starts an empty
 * list, so its body sees its parameters and the items of its own module only.
 *
 * Order of lookup (section 9): locals, parameters and dimensions → items of the module →
 * imported names → built-ins.
 * Kernels are not values and do not hide anything. */
#include "dsl/parser/elab_internal.h"
#include "dsl/parser/std_modules.h"

#include <string.h>

tg_sym *tg_scope_find(const tg_elab *e, tg_name name) {
    for (tg_sym *s = e->scope; s; s = s->next) {
        if (s->name == name) {
            return s;
        }
    }
    return NULL;
}

tg_sym *tg_scope_add(tg_elab *e, tg_sym_kind kind, tg_name name, tg_span span) {
    tg_sym *s = TG_NEW(e->arena, tg_sym);
    s->kind = kind;
    s->name = name;
    s->span = span;
    if (!name || strcmp(name, "_") == 0) {
        s->name = NULL;
        return s;
    }
    tg_sym *old = tg_scope_find(e, name);
    if (old) {
        tg_diag *d =
            tg_report(e->diags, TG_E0302, span,
                      "'%s' is already visible here; axes and locals do not shadow", name);
        tg_diag_set_label(e->diags, d, "second declaration");
        tg_diag_add_label(e->diags, d, old->span, "'%s' is declared here", name);
        tg_diag_add_help(e->diags, d, "rename one of the two");
    }
    s->next = e->scope;
    e->scope = s;
    return s;
}

tg_sym *tg_scope_hidden(tg_elab *e, const char *what, tg_dtype dtype) {
    tg_sym *s = TG_NEW(e->arena, tg_sym);
    s->kind = TG_SYM_VAR;
    s->name = tg_intern_cstr(e->names, what);
    s->dtype = dtype;
    s->type = tg_type_scalar(e->func, dtype);
    s->ev = dtype == TG_BOOL ? tg_ev_bool(false) : tg_ev_poison();
    return s;
}

/* Only what the kernel itself declares, and only while checking: an instance may lack a branch
 * that uses it. */
static void warn_unused(tg_elab *e, const tg_sym *s) {
    bool local = s->kind == TG_SYM_AXIS || (s->kind == TG_SYM_VALUE && s->is_let);
    if (!e->checking || e->frame || s->used || !local || s->name[0] == '_' ||
        e->diags->n_errors) {
        return;
    }
    if (s->kind == TG_SYM_AXIS && s->axis->kind != TG_AXIS_LOCAL) {
        return; /* a loop or grid also repeats */
    }
    tg_report(e->diags, TG_W0806, s->span, "'%s' is not used", s->name);
}

/* For the message about a name that is used behind its block. */
static void note_ended(tg_elab *e, const tg_sym *s) {
    if (e->checking && !e->frame && (s->kind == TG_SYM_VAR || s->is_let) && s->name) {
        tg_vec_push(e->arena, &e->ended, s);
    }
}

static const tg_sym *find_ended(const tg_elab *e, tg_name name) {
    for (uint32_t i = e->ended.len; i-- > 0 && !e->frame;) {
        if (e->ended.data[i]->name == name) {
            return e->ended.data[i];
        }
    }
    return NULL;
}

void tg_scope_pop(tg_elab *e, tg_sym *mark) {
    for (tg_sym *s = e->scope; s != mark; s = s->next) {
        warn_unused(e, s);
        note_ended(e, s);
        if (s->kind == TG_SYM_AXIS && s->name) {
            tg_vec_push(e->arena, &e->dead_axes, s->name);
        }
    }
    e->scope = mark;
}

/* ---- suggestions ------------------------------------------------------------------------- */

static const struct {
    const char *spelling, *replacement, *help;
} idioms[] = {
#define IDIOM(spelling, replacement, help) {spelling, replacement, help},
#include "dsl/parser/suggest.def"
#undef IDIOM
};

static bool suggest_idiom(tg_elab *e, tg_diag *d, tg_name name, tg_span span) {
    for (size_t i = 0; i < sizeof idioms / sizeof *idioms; i++) {
        if (strcmp(idioms[i].spelling, name) == 0) {
            tg_diag_add_help(e->diags, d, "%s", idioms[i].help);
            if (idioms[i].replacement) {
                tg_diag_add_edit(e->diags, d, span, idioms[i].replacement);
            }
            return true;
        }
    }
    return false;
}

static tg_name item_name(const tg_item *it) {
    switch (it->kind) {
    case TG_ITEM_CONST:
        return it->u.constant.name;
    case TG_ITEM_FN:
    case TG_ITEM_EXTERN_FN:
        return it->u.fn.name;
    case TG_ITEM_KERNEL:
        return it->u.kernel.name;
    case TG_ITEM_IMPORT:
    case TG_ITEM_GRAD:
    case TG_ITEM_TUNE:
    case TG_ITEM_SCHEDULE:
    case TG_ITEM_STATIC_ASSERT:
        break;
    }
    return NULL;
}

enum { MAX_CANDIDATES = 512 };

static uint32_t candidates(tg_elab *e, const char **out) {
    uint32_t n = 0;
    for (const tg_sym *s = e->scope; s && n < MAX_CANDIDATES; s = s->next) {
        if (s->name) {
            out[n++] = s->name;
        }
    }
    for (uint32_t i = 0; e->module && i < e->module->file->n_items && n < MAX_CANDIDATES; i++) {
        tg_name name = item_name(e->module->file->items[i]);
        if (name) {
            out[n++] = name;
        }
    }
    return n + tg_builtin_names(out + n, MAX_CANDIDATES - n);
}

static const char *nearest(tg_elab *e, tg_name name) {
    const char **list = TG_NEW_ARRAY(e->arena, const char *, MAX_CANDIDATES);
    return tg_suggest(name, list, candidates(e, list));
}

/* Does `=` follow, as after a name that other languages declare so? */
static bool is_assigned(const tg_elab *e, tg_span span) {
    const tg_source *src = tg_sources_get(e->diags->sources, span.file);
    uint32_t at = span.end;
    while (src && at < src->len && src->text[at] == ' ') {
        at++;
    }
    return src && at + 1 < src->len && src->text[at] == '=' && src->text[at + 1] != '=';
}

/* Inside an item whose header has a syntax error, names that it would have declared are not known. */
static bool in_broken_item(const tg_elab *e) {
    const tg_function *f = e->frame ? e->frame->function : NULL;
    return e->broken || (f && f->fn && f->fn->broken) ||
           (!f && e->kernel && e->kernel->u.kernel.broken);
}

/* A name of a module that was imported, or would have been: `gelu` instead of `nn.gelu`. */
static bool suggest_import(tg_elab *e, tg_diag *d, tg_name name, tg_span span) {
    for (uint32_t i = 0; e->module && i < e->module->imports.len; i++) {
        const tg_import *im = &e->module->imports.data[i];
        if (im->module && im->item->u.import.n_names == 0 &&
            tg_module_item(im->module, name, false)) {
            const char *full = tg_arena_printf(e->arena, "%s.%s", im->alias, name);
            tg_diag_add_help(e->diags, d, "module \"%s\" has it: write `%s`",
                             im->item->u.import.path, full);
            tg_diag_add_edit(e->diags, d, span, full);
            return true;
        }
    }
    return false;
}

static bool imports_name(const tg_import *im, tg_name name) {
    for (uint32_t i = 0; i < im->item->u.import.n_names; i++) {
        if (im->item->u.import.names[i] == name) {
            return true;
        }
    }
    return false;
}

/* The name of a module that was not found, or a name out of it: said at its import. */
static bool is_missing_module(const tg_elab *e, tg_name name) {
    for (uint32_t i = 0; e->module && i < e->module->imports.len; i++) {
        const tg_import *im = &e->module->imports.data[i];
        if (!im->module && (im->alias == name || imports_name(im, name))) {
            return true;
        }
    }
    return false;
}

/* Was this name reported in this kernel or function? Once is enough. */
static bool was_unknown(tg_elab *e, tg_name name) {
    for (uint32_t i = 0; i < e->unknown.len; i++) {
        if (e->unknown.data[i] == name) {
            return true;
        }
    }
    tg_vec_push(e->arena, &e->unknown, name);
    return false;
}

/* A function of std/ that was not imported. */
static const char *std_module_with(const tg_elab *e, tg_name name) {
    const char *plain = tg_arena_printf(e->arena, "\nfn %s(", name);
    const char *generic = tg_arena_printf(e->arena, "\nfn %s<", name);
    for (const tg_std_module *m = tg_std_modules; m->path; m++) {
        if (strstr(m->text, plain) || strstr(m->text, generic)) {
            return m->path;
        }
    }
    return NULL;
}

void tg_elab_unknown_name(tg_elab *e, tg_name name, tg_span span) {
    if (!name || in_broken_item(e) || is_missing_module(e, name) || was_unknown(e, name)) {
        return; /* an error was reported that explains it */
    }
    for (uint32_t i = 0; i < e->diags->list.len; i++) { /* a call may look a name up twice */
        const tg_diag *old = e->diags->list.data[i];
        if (old->code == TG_E0201 && old->span.file == span.file &&
            old->span.begin == span.begin) {
            return;
        }
    }
    const tg_sym *ended = find_ended(e, name);
    const char *near = ended || std_module_with(e, name) ? NULL : nearest(e, name);
    tg_diag *d = near ? tg_report(e->diags, TG_E0201, span,
                                  "unknown name '%s'; did you mean '%s'?", name, near)
                      : tg_report(e->diags, TG_E0201, span, "unknown name '%s'", name);
    if (ended) {
        tg_diag_add_label(e->diags, d, ended->span, "this '%s' ended with its block", name);
        tg_diag_add_help(e->diags, d, "declare it before the block, and assign to it inside");
        return;
    }
    if (suggest_import(e, d, name, span)) {
        return;
    }
    const char *module = std_module_with(e, name);
    if (module) {
        tg_diag_add_help(e->diags, d, "it is in a module: `import \"%s\": %s;`", module, name);
        return;
    }
    if (suggest_idiom(e, d, name, span)) {
        return;
    }
    if (near) {
        tg_diag_add_edit(e->diags, d, span, near);
    } else if (is_assigned(e, span)) {
        tg_diag_add_help(e->diags, d,
                         "a first assignment declares: `let %s = …;`, or with type and axes, "
                         "`f32 %s[i] = …;`, if it changes",
                         name, name);
    } else if (strlen(name) <= 2) {
        tg_diag_add_help(e->diags, d, "an axis is declared: `axis %s in …;` or `for (%s in …)`",
                         name, name);
    }
}

/* ---- types ------------------------------------------------------------------------------- */

static void unknown_type(tg_elab *e, tg_name name, tg_span span) {
    if (in_broken_item(e)) {
        return;
    }
    tg_diag *d = tg_report(e->diags, TG_E0202, span, "unknown type '%s'", name);
    if (suggest_idiom(e, d, name, span)) {
        return;
    }
    const char *list[64];
    uint32_t n = 0;
    for (int t = 1; tg_dtype_bits((tg_dtype)t); t++) {
        list[n++] = tg_dtype_name((tg_dtype)t);
    }
    const char *near = tg_suggest(name, list, n);
    if (near) {
        tg_diag_add_help(e->diags, d, "did you mean %s?", near);
        tg_diag_add_edit(e->diags, d, span, near);
    }
}

tg_dtype tg_elab_dtype(tg_elab *e, const tg_tref *t) {
    if (t->kind == TG_TREF_WIDE) {
        tg_dtype inner = tg_elab_dtype(e, t->inner);
        return inner == TG_DTYPE_NONE ? inner : tg_dtype_wide(inner);
    }
    if (t->kind == TG_TREF_TUPLE) {
        tg_report(e->diags, TG_E0202, t->span, "a tuple is not an element type");
        return TG_DTYPE_NONE;
    }
    if (t->dtype != TG_DTYPE_NONE) {
        return t->dtype;
    }
    if (!t->name) {
        return TG_DTYPE_NONE; /* a syntax error was reported here */
    }
    tg_sym *s = tg_scope_find(e, t->name);
    if (s && s->kind == TG_SYM_TYPE) {
        s->used = true;
        return s->ev.dtype;
    }
    unknown_type(e, t->name, t->span);
    return TG_DTYPE_NONE;
}

/* ---- items ------------------------------------------------------------------------------- */

static tg_ev constant_value(tg_elab *e, const tg_module *m, const tg_item *it) {
    for (uint32_t i = 0; i < e->n_constant_stack; i++) {
        if (e->constant_stack[i] == it) {
            tg_report(e->diags, TG_E0501, it->u.constant.name_span,
                      "the constant '%s' depends on itself", it->u.constant.name);
            return tg_ev_poison();
        }
    }
    if (e->n_constant_stack == 16) {
        tg_report(e->diags, TG_E0212, it->u.constant.name_span,
                  "constants depend on each other more than 16 deep");
        return tg_ev_poison();
    }
    tg_sym *scope = e->scope;
    const tg_module *module = e->module;
    e->constant_stack[e->n_constant_stack++] = it;
    e->scope = NULL;
    e->module = m;
    tg_dtype t = tg_elab_dtype(e, it->u.constant.type);
    tg_ev v = tg_elab_rvalue(e, it->u.constant.value);
    if (!tg_ev_is_poison(&v) && !tg_ev_is_constant(&v)) {
        tg_report(e->diags, TG_E0212, it->u.constant.value->span,
                  "the value of '%s' is not a constant expression", it->u.constant.name);
        v = tg_ev_poison();
    }
    v = tg_elab_convert(e, &v, t, it->u.constant.value->span);
    e->n_constant_stack--;
    e->scope = scope;
    e->module = module;
    return v;
}

tg_ev tg_elab_item_value(tg_elab *e, const tg_module *m, const tg_item *item, tg_span span) {
    if (item->kind == TG_ITEM_CONST) {
        return constant_value(e, m, item);
    }
    if (item->kind == TG_ITEM_FN || item->kind == TG_ITEM_EXTERN_FN) {
        const tg_function *f = tg_map_get(m->functions, item->u.fn.name);
        return (tg_ev){.kind = TG_EV_FN, .function = f};
    }
    tg_report(e->diags, TG_E0201, span,
              "'%s' is a kernel; kernels are launched by the host, not called",
              item_name(item));
    return tg_ev_poison();
}

tg_ev tg_elab_sym_value(tg_elab *e, tg_sym *s, tg_span span) {
    (void)e;
    (void)span;
    s->used = true;
    if (s->kind == TG_SYM_AXIS) {
        return (tg_ev){.kind = TG_EV_AXIS, .sym = s};
    }
    if (s->kind == TG_SYM_TENSOR) {
        return (tg_ev){.kind = TG_EV_TENSOR, .sym = s};
    }
    return s->ev;
}

static bool find_import(tg_elab *e, tg_name name, tg_span span, tg_ev *out) {
    for (uint32_t i = 0; e->module && i < e->module->imports.len; i++) {
        tg_import *im = &e->module->imports.data[i];
        if (!im->module) {
            continue;
        }
        if (im->item->u.import.n_names == 0 && im->alias == name) {
            im->used = true;
            *out = (tg_ev){.kind = TG_EV_MODULE, .module = im->module};
            return true;
        }
        const tg_item *it =
            imports_name(im, name) ? tg_module_item(im->module, name, false) : NULL;
        if (it) {
            im->used = true;
            *out = tg_elab_item_value(e, im->module, it, span);
            return true;
        }
    }
    return false;
}

static bool is_dead_axis(const tg_elab *e, tg_name name) {
    for (uint32_t i = 0; i < e->dead_axes.len; i++) {
        if (e->dead_axes.data[i] == name) {
            return true;
        }
    }
    return false;
}

tg_ev tg_elab_name(tg_elab *e, tg_name name, tg_span span) {
    tg_sym *s = tg_scope_find(e, name);
    if (s) {
        return tg_elab_sym_value(e, s, span);
    }
    const tg_item *it = e->module ? tg_module_item(e->module, name, true) : NULL;
    if (it && it->kind != TG_ITEM_KERNEL) {
        return tg_elab_item_value(e, e->module, it, span);
    }
    tg_ev v;
    if (find_import(e, name, span, &v)) {
        return v;
    }
    const tg_builtin *f = tg_builtin_find(name);
    if (f) {
        return (tg_ev){.kind = TG_EV_BUILTIN, .builtin = f};
    }
    if (it) {
        return tg_elab_item_value(e, e->module, it, span);
    }
    if (is_dead_axis(e, name)) {
        tg_diag *d =
            tg_report(e->diags, TG_E0303, span,
                      "axis '%s' is not in scope here; it ended with its loop or block", name);
        tg_diag_add_help(e->diags, d, "move the statement inside, or reduce over '%s' first",
                         name);
        return tg_ev_poison();
    }
    tg_elab_unknown_name(e, name, span);
    return tg_ev_poison();
}

tg_sym *tg_elab_axis_name(tg_elab *e, tg_name name, tg_span span) {
    tg_sym *s = tg_scope_find(e, name);
    if (s && s->kind == TG_SYM_AXIS) {
        s->used = true;
        return s;
    }
    if (s && s->kind == TG_SYM_VALUE && s->ev.kind == TG_EV_AXIS) {
        return s->ev.sym;
    }
    if (s && s->kind == TG_SYM_EACH) {
        tg_report(e->diags, TG_E0307, span,
                  "'%s' is an `each` variable, a scalar: there is nothing to reduce over",
                  name);
        return NULL;
    }
    if (!s && is_dead_axis(e, name)) {
        tg_report(e->diags, TG_E0303, span,
                  "axis '%s' is not in scope here; it ended with its loop or block", name);
        return NULL;
    }
    if (!s && was_unknown(e, name)) {
        return NULL;
    }
    if (!s) {
        const char *near = nearest(e, name);
        tg_diag *d = tg_report(e->diags, TG_E0301, span, "'%s' is not an axis", name);
        if (near && strcmp(near, name) != 0) {
            tg_diag_add_help(e->diags, d, "did you mean '%s'?", near);
        } else if (e->frame) {
            tg_diag_add_help(e->diags, d,
                             "a function is given its axes: `fn f(f32 x[%s], axis %s) -> f32`",
                             name, name);
        } else {
            tg_diag_add_help(e->diags, d, "declare one: axis %s in …;", name);
        }
        return NULL;
    }
    tg_diag *d = tg_report(e->diags, TG_E0301, span, "'%s' is not an axis", name);
    tg_diag_add_label(e->diags, d, s->span, "'%s' is declared here", name);
    tg_diag_add_help(e->diags, d, "declare one: axis j in %s;", name);
    return NULL;
}
