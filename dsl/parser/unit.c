/* Modules and the entry points of the front end: load, check, instantiate.
 *
 * Loading reads the importing module's text, parses it, loads what it imports (depth first; a
 * module that is being loaded
 * is a cycle, E0503) and then checks each kernel of the main module for each member of its
 * type bounds. */
#include "dsl/parser/elab_internal.h"
#include "dsl/parser/rules.h"
#include "dsl/parser/std_modules.h"

#include <string.h>

struct tg_unit {
    tg_arena *arena;
    tg_interner *names;
    const tg_loader *loader;
    tg_map *by_path; /* interned path → tg_module* */
    TG_VEC(tg_module *) order;
    TG_VEC(const tg_item *) kernels;
    tg_map *signatures; /* item → signature */
    tg_module *main;
    bool syntax_errors; /* in any module */
    bool trusted;       /* see tg_loader, which is gone once the modules are loaded */
};

/* ---- items of a module ------------------------------------------------------------------- */

const tg_item *tg_module_item(const tg_module *m, tg_name name, bool from_inside) {
    const tg_item *it = tg_map_get(m->items, name);
    return it && (from_inside || !it->is_private) ? it : NULL;
}

static void report_twice(tg_diags *diags, tg_name name, tg_span span, tg_span before) {
    tg_diag *d =
        tg_report(diags, TG_E0302, span, "'%s' is already defined in this module", name);
    tg_diag_add_label(diags, d, before, "first definition");
}

static void add_function(tg_unit *u, tg_diags *diags, tg_module *m, const tg_item *it) {
    const tg_fn *fn = &it->u.fn;
    tg_function *f = tg_map_get(m->functions, fn->name);
    if (!f) {
        f = TG_NEW(u->arena, tg_function);
        f->module = m;
        f->recursive = TG_NEW(u->arena, bool);
        tg_map_set(m->functions, fn->name, f);
    }
    const tg_item *old = tg_map_get(m->items, fn->name);
    if (old && (old->kind == TG_ITEM_CONST || old->kind == TG_ITEM_KERNEL ||
                (it->kind == TG_ITEM_FN && f->fn))) {
        report_twice(diags, fn->name, fn->name_span, old->span);
        return;
    }
    if (it->kind == TG_ITEM_FN) {
        f->fn = fn;
    } else if (f->n_externs < 4) {
        f->externs[f->n_externs++] = fn;
    }
    if (!old || it->kind == TG_ITEM_FN) {
        union {
            const tg_item *c;
            void *v;
        } item = {.c = it};
        tg_map_set(m->items, fn->name, item.v);
    }
}

static void add_item(tg_diags *diags, tg_module *m, const tg_item *it, tg_name name,
                     tg_span span) {
    const tg_item *old = tg_map_get(m->items, name);
    if (old) {
        report_twice(diags, name, span, old->span);
        return;
    }
    union {
        const tg_item *c;
        void *v;
    } item = {.c = it};
    tg_map_set(m->items, name, item.v);
}

static void collect_items(tg_unit *u, tg_diags *diags, tg_module *m) {
    for (uint32_t i = 0; i < m->file->n_items; i++) {
        const tg_item *it = m->file->items[i];
        if (it->kind == TG_ITEM_FN || it->kind == TG_ITEM_EXTERN_FN) {
            add_function(u, diags, m, it);
        } else if (it->kind == TG_ITEM_CONST) {
            add_item(diags, m, it, it->u.constant.name, it->u.constant.name_span);
        } else if (it->kind == TG_ITEM_KERNEL) {
            add_item(diags, m, it, it->u.kernel.name, it->u.kernel.name_span);
        }
    }
}

/* ---- paths ------------------------------------------------------------------------------- */

static tg_name resolve_path(tg_unit *u, const tg_module *from, const char *path) {
    if (strncmp(path, "./", 2) != 0 && strncmp(path, "../", 3) != 0) {
        return tg_intern_cstr(u->names, path);
    }
    const char *slash = strrchr(from->path, '/');
    size_t folder = slash ? (size_t)(slash - from->path) + 1 : 0;
    while (strncmp(path, "./", 2) == 0) {
        path += 2;
    }
    const char *joined = tg_arena_printf(u->arena, "%.*s%s", (int)folder, from->path, path);
    return tg_intern_cstr(u->names, joined);
}

static const char *std_text(const char *path, size_t *len) {
    for (const tg_std_module *s = tg_std_modules; s->path; s++) {
        if (strcmp(s->path, path) == 0) {
            *len = s->len;
            return s->text;
        }
    }
    return NULL;
}

static const char *module_text(tg_unit *u, const char *path, size_t *len) {
    if (strncmp(path, "std/", 4) == 0) {
        return std_text(path, len);
    }
    if (!u->loader || !u->loader->load) {
        return NULL;
    }
    const char *text = u->loader->load(u->loader->user, path, u->arena, len);
    if (!text && !strstr(path, ".dsl")) {
        text = u->loader->load(u->loader->user, tg_arena_printf(u->arena, "%s.dsl", path),
                               u->arena, len);
    }
    return text;
}

/* ---- loading ----------------------------------------------------------------------------- */

static tg_module *load_module(tg_unit *u, tg_diags *diags, tg_name path, const char *text,
                              size_t len);

static void report_cycle(tg_unit *u, tg_diags *diags, tg_span span, const tg_module *target) {
    tg_strbuf s;
    tg_strbuf_init(&s, u->arena);
    bool inside = false;
    for (uint32_t i = 0; i < u->order.len; i++) {
        const tg_module *m = u->order.data[i];
        inside = inside || m == target;
        if (inside && m->loading) {
            tg_strbuf_printf(&s, "%s → ", m->path);
        }
    }
    tg_report(diags, TG_E0503, span, "import cycle %s%s", s.data ? s.data : "", target->path);
}

static void report_missing(tg_diags *diags, const tg_item *it) {
    const char *known[16];
    size_t n = 0;
    for (const tg_std_module *s = tg_std_modules; s->path && n < 16; s++) {
        known[n++] = s->path;
    }
    tg_diag *d = tg_report(diags, TG_E0504, it->u.import.path_span,
                           "module \"%s\" is not found", it->u.import.path);
    const char *near = tg_suggest(it->u.import.path, known, n);
    for (uint32_t i = 0; i < n && !near; i++) { /* "nn" for "std/nn" */
        const char *slash = strrchr(known[i], '/');
        near = slash && strcmp(slash + 1, it->u.import.path) == 0 ? known[i] : NULL;
    }
    if (near) {
        tg_diag_add_help(diags, d, "did you mean \"%s\"?", near);
    }
}

static tg_name default_alias(tg_unit *u, const char *path) {
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    return tg_intern(u->names, base, dot ? (size_t)(dot - base) : strlen(base));
}

static void check_imported_names(tg_diags *diags, const tg_item *it, const tg_module *m) {
    for (uint32_t i = 0; i < it->u.import.n_names; i++) {
        if (!tg_module_item(m, it->u.import.names[i], false)) {
            tg_report(diags, TG_E0201, it->u.import.name_spans[i],
                      "module \"%s\" has no public '%s'", it->u.import.path,
                      it->u.import.names[i]);
        }
    }
}

static void load_import(tg_unit *u, tg_diags *diags, tg_module *m, const tg_item *it) {
    tg_name path = resolve_path(u, m, it->u.import.path);
    tg_module *target = tg_map_get(u->by_path, path);
    if (target && target->loading) {
        report_cycle(u, diags, it->u.import.path_span, target);
        target = NULL;
    } else if (!target) {
        size_t len = 0;
        const char *text = module_text(u, path, &len);
        if (text) {
            target = load_module(u, diags, path, text, len);
        } else {
            report_missing(diags, it);
        }
    }
    tg_import im = {.item = it,
                    .module = target,
                    .alias = it->u.import.alias ? it->u.import.alias
                                                : default_alias(u, it->u.import.path)};
    tg_vec_push(u->arena, &m->imports, im);
    if (target) {
        check_imported_names(diags, it, target);
    }
}

static uint32_t add_source(const tg_diags *diags, const char *path, const char *text,
                           size_t len) {
    union {
        const tg_sources *c;
        tg_sources *m;
    } sources = {.c = diags->sources};
    return tg_sources_add(sources.m, path, text, len);
}

static tg_module *load_module(tg_unit *u, tg_diags *diags, tg_name path, const char *text,
                              size_t len) {
    tg_module *m = TG_NEW(u->arena, tg_module);
    m->path = path;
    m->loading = true;
    m->items = tg_map_create(u->arena);
    m->functions = tg_map_create(u->arena);
    tg_map_set(u->by_path, path, m);
    tg_vec_push(u->arena, &u->order, m);
    m->file = tg_parse_file(u->arena, u->names, diags, add_source(diags, path, text, len));
    collect_items(u, diags, m);
    for (uint32_t i = 0; i < m->file->n_items; i++) {
        if (m->file->items[i]->kind == TG_ITEM_IMPORT) {
            load_import(u, diags, m, m->file->items[i]);
        }
    }
    m->loading = false;
    return m;
}

/* ---- elaborators ------------------------------------------------------------------------- */

static tg_elab new_elab(tg_unit *u, const tg_module *m, tg_arena *arena, tg_diags *diags,
                        const tg_instance_spec *spec) {
    tg_elab e = {.unit = u,
                 .module = m,
                 .arena = arena,
                 .names = u->names,
                 .diags = diags,
                 .spec = spec};
    e.func = tg_func_create(arena, u->names, tg_intern_cstr(u->names, "constants"));
    e.b = (tg_builder){.func = e.func, .block = &e.func->body.body};
    return e;
}

static const tg_module *module_of(const tg_unit *u, const tg_item *item) {
    for (uint32_t i = 0; i < u->order.len; i++) {
        const tg_file *f = u->order.data[i]->file;
        for (uint32_t k = 0; k < f->n_items; k++) {
            if (f->items[k] == item) {
                return u->order.data[i];
            }
        }
    }
    return u->main;
}

typedef struct constant_query {
    tg_unit *unit;
    const tg_module *module;
    tg_diags *diags;
} constant_query;

static bool is_constant_name(const tg_module *m, tg_name name) {
    const tg_item *it = tg_module_item(m, name, true);
    if (it) {
        return it->kind == TG_ITEM_CONST;
    }
    for (uint32_t i = 0; i < m->imports.len; i++) {
        const tg_import *im = &m->imports.data[i];
        it = im->module ? tg_module_item(im->module, name, false) : NULL;
        for (uint32_t k = 0; it && k < im->item->u.import.n_names; k++) {
            if (im->item->u.import.names[k] == name) {
                return it->kind == TG_ITEM_CONST;
            }
        }
    }
    return false;
}

static bool constant_of(void *user, tg_name name, tg_scalar *out) {
    const constant_query *q = user;
    tg_instance_spec spec = {0};
    if (!is_constant_name(q->module, name)) {
        return false;
    }
    tg_elab e = new_elab(q->unit, q->module, q->unit->arena, q->diags, &spec);
    tg_ev v = tg_elab_name(&e, name, (tg_span){0});
    if (v.kind != TG_EV_CONST) {
        return false;
    }
    *out = v.scalar;
    return true;
}

static tg_sig_env signature_env(tg_unit *u, const tg_module *m, tg_arena *arena,
                                tg_diags *diags) {
    constant_query *q = TG_NEW(arena, constant_query);
    *q = (constant_query){u, m, diags};
    return (tg_sig_env){
        .arena = arena, .names = u->names, .diags = diags, .constant = constant_of, .user = q};
}

/* ---- checking ---------------------------------------------------------------------------- */

/* Text of the library is checked where assertions are: its instances take as long to check as to make. */
static bool is_trusted(const tg_unit *u) {
#ifdef NDEBUG
    return u->trusted;
#else
    (void)u;
    return false;
#endif
}

static bool finish(tg_elab *e, tg_func *f) {
    if (is_trusted(e->unit)) {
        return true;
    }
    const char *broken = tg_ir_verify(f, e->arena);
    if (broken) {
        tg_report(e->diags, TG_E0105, e->kernel->u.kernel.name_span,
                  "internal: the tile IR of '%s' is not well formed: %s", f->name, broken);
        return false;
    }
    uint32_t errors = e->diags->n_errors;
    tg_check_accesses(f, e->sig, !e->sampled, e->diags);
    return e->diags->n_errors == errors;
}

/* `errors`: how many there were before the kernel was looked at. With more, or with syntax
 * errors, its IR may be broken. */
static bool check_instance(tg_unit *u, const tg_module *m, const tg_item *kernel,
                           const tg_dtype *types, uint32_t errors, tg_diags *diags,
                           tg_func **out) {
    tg_instance_spec spec = {.types = types, .checked = true};
    tg_elab e = new_elab(u, m, u->arena, diags, &spec);
    e.checking = true;
    e.kernel = kernel;
    e.sig = tg_unit_signature(u, kernel);
    *out = tg_elab_kernel(&e);
    return *out && diags->n_errors == errors && !u->syntax_errors && finish(&e, *out);
}

static void check_tuning(tg_unit *u, const tg_module *m, const tg_item *kernel,
                         const tg_func *f, tg_diags *diags) {
    tg_sig_env env = signature_env(u, m, u->arena, diags);
    for (uint32_t i = 0; i < m->file->n_items; i++) {
        const tg_item *it = m->file->items[i];
        bool tuning = it->kind == TG_ITEM_TUNE || it->kind == TG_ITEM_SCHEDULE;
        if (tuning && it->u.tune.name == kernel->u.kernel.name) {
            tg_schedule_check(&env, f, tg_unit_signature(u, kernel), it);
        }
    }
}

static void check_kernel(tg_unit *u, const tg_module *m, const tg_item *kernel,
                         tg_diags *diags) {
    uint32_t errors = diags->n_errors;
    tg_sig_env env = signature_env(u, m, u->arena, diags);
    const tg_signature *sig = tg_signature_build(&env, kernel);
    union {
        const tg_signature *c;
        void *v;
    } box = {.c = sig};
    tg_map_set(u->signatures, kernel, box.v);
    if (u->trusted) {
        return;
    }
    tg_dtype *types = TG_NEW_ARRAY(u->arena, tg_dtype, sig->n_tparams + 1);
    for (uint32_t i = 0; i < sig->n_tparams; i++) {
        types[i] = sig->tparams[i].n_members ? sig->tparams[i].members[0] : TG_F32;
    }
    tg_func *f;
    if (!check_instance(u, m, kernel, types, errors, diags, &f)) {
        return;
    }
    check_tuning(u, m, kernel, f, diags);
    for (uint32_t i = 0; i < sig->n_tparams; i++) {
        for (uint32_t k = 1; k < sig->tparams[i].n_members; k++) {
            types[i] = sig->tparams[i].members[k];
            if (!check_instance(u, m, kernel, types, errors, diags, &f)) {
                return;
            }
        }
        types[i] = sig->tparams[i].n_members ? sig->tparams[i].members[0] : TG_F32;
    }
}

static void check_tuned_name(tg_diags *diags, const tg_module *m, const tg_item *it) {
    const tg_item *k = tg_module_item(m, it->u.tune.name, true);
    if (!k || k->kind != TG_ITEM_KERNEL) {
        tg_report(diags, TG_E0201, it->u.tune.name_span,
                  "there is no kernel '%s' in this module", it->u.tune.name);
    }
}

static bool is_differentiable_item(const tg_item *it) {
    return it && (it->kind == TG_ITEM_KERNEL || it->kind == TG_ITEM_FN);
}

static void check_grad(tg_diags *diags, const tg_module *m, const tg_item *it) {
    tg_name names[] = {it->u.grad.name, it->u.grad.other};
    tg_span spans[] = {it->u.grad.name_span, it->u.grad.other_span};
    for (int i = 0; i < 2; i++) {
        if (!is_differentiable_item(tg_module_item(m, names[i], true))) {
            tg_report(diags, TG_E0201, spans[i],
                      "there is no kernel or function '%s' in this module", names[i]);
        }
    }
}

static void check_extern(tg_diags *diags, const tg_module *m, const tg_item *it) {
    const tg_function *f = tg_map_get(m->functions, it->u.fn.name);
    if (f && !f->fn) {
        tg_diag *d = tg_report(diags, TG_W0804, it->u.fn.name_span,
                               "'%s' has no portable definition", it->u.fn.name);
        tg_diag_add_help(
            diags, d,
            "add fn %s(…) -> … = …; it is used by other targets, the interpreter and gradients",
            it->u.fn.name);
    }
}

/* With syntax errors about, only names are looked at. */
static void check_fn(tg_elab *e, const tg_module *m, const tg_item *it) {
    const tg_function *f = tg_map_get(m->functions, it->u.fn.name);
    e->checking = true;
    if (e->unit->syntax_errors || !f || f->fn != &it->u.fn) {
        tg_elab_resolve_fn(e, &it->u.fn);
    } else {
        tg_elab_check_fn(e, f);
    }
}

static void check_item(tg_unit *u, const tg_module *m, const tg_item *it, tg_diags *diags) {
    tg_instance_spec spec = {0};
    tg_elab e = new_elab(u, m, u->arena, diags, &spec);
    switch (it->kind) {
    case TG_ITEM_CONST:
        tg_elab_item_value(&e, m, it, it->span);
        break;
    case TG_ITEM_FN:
        check_fn(&e, m, it);
        break;
    case TG_ITEM_EXTERN_FN:
        check_extern(diags, m, it);
        break;
    case TG_ITEM_KERNEL:
        tg_vec_push(u->arena, &u->kernels, it);
        check_kernel(u, m, it, diags);
        break;
    case TG_ITEM_GRAD:
        check_grad(diags, m, it);
        break;
    case TG_ITEM_TUNE:
    case TG_ITEM_SCHEDULE:
        check_tuned_name(diags, m, it);
        break;
    case TG_ITEM_STATIC_ASSERT:
        tg_elab_static_assert(&e, it->u.static_assertion.args, it->u.static_assertion.n_args,
                              it->span);
        break;
    case TG_ITEM_IMPORT:
        break;
    }
}

static void warn_unused_imports(const tg_module *m, tg_diags *diags) {
    for (uint32_t i = 0; i < m->imports.len && diags->n_errors == 0; i++) {
        const tg_import *im = &m->imports.data[i];
        if (im->module && !im->used) {
            tg_report(diags, TG_W0806, im->item->span, "import \"%s\" is not used",
                      im->item->u.import.path);
        }
    }
}

tg_unit *tg_unit_load(tg_arena *arena, tg_interner *names, tg_diags *diags, const char *path,
                      const char *text, size_t len, const tg_loader *loader) {
    tg_unit *u = TG_NEW(arena, tg_unit);
    *u = (tg_unit){.arena = arena, .names = names, .loader = loader, .trusted = loader && loader->trusted};
    u->by_path = tg_map_create(arena);
    u->signatures = tg_map_create(arena);
    u->main = load_module(u, diags, tg_intern_cstr(names, path), text, len);
    u->syntax_errors = diags->n_errors != 0;
    for (uint32_t i = 0; i < u->main->file->n_items; i++) {
        check_item(u, u->main, u->main->file->items[i], diags);
    }
    if (!u->trusted) {
        warn_unused_imports(u->main, diags);
    }
    return u;
}

/* ---- queries ----------------------------------------------------------------------------- */

uint32_t tg_unit_n_kernels(const tg_unit *u) {
    return u->kernels.len;
}
const tg_item *tg_unit_kernel(const tg_unit *u, uint32_t i) {
    return u->kernels.data[i];
}
const tg_file *tg_unit_file(const tg_unit *u) {
    return u->main->file;
}
const tg_signature *tg_unit_signature(const tg_unit *u, const tg_item *kernel) {
    return tg_map_get(u->signatures, kernel);
}

const tg_item *tg_unit_find_kernel(const tg_unit *u, const char *name) {
    for (uint32_t i = 0; i < u->kernels.len; i++) {
        if (strcmp(u->kernels.data[i]->u.kernel.name, name) == 0) {
            return u->kernels.data[i];
        }
    }
    return NULL;
}

/* ---- instantiation ----------------------------------------------------------------------- */

static bool types_allowed(const tg_item *kernel, const tg_signature *sig,
                          const tg_instance_spec *spec, tg_diags *diags) {
    for (uint32_t i = 0; i < sig->n_tparams; i++) {
        bool found = false;
        for (uint32_t k = 0; k < sig->tparams[i].n_members; k++) {
            found = found || sig->tparams[i].members[k] == spec->types[i];
        }
        if (!found) {
            tg_report(diags, TG_E0209, kernel->u.kernel.name_span,
                      "%s = %s does not satisfy the bound of '%s'", sig->tparams[i].name,
                      tg_dtype_name(spec->types[i]), sig->name);
            return false;
        }
    }
    return true;
}

tg_func *tg_unit_instantiate(tg_unit *u, const tg_item *kernel, const tg_instance_spec *spec,
                             tg_arena *arena, tg_diags *diags) {
    const tg_signature *sig = tg_unit_signature(u, kernel);
    if (!sig || !types_allowed(kernel, sig, spec, diags)) {
        return NULL;
    }
    const tg_module *m = module_of(u, kernel);
    tg_elab e = new_elab(u, m, arena, diags, spec);
    e.kernel = kernel;
    e.sig = sig;
    tg_func *f = tg_elab_kernel(&e);
    if (!f || !finish(&e, f)) {
        return NULL;
    }
    uint32_t errors = diags->n_errors;
    tg_sig_env env = signature_env(u, m, arena, diags);
    const tg_item *given =
        spec->schedule ? tg_schedule_parse(&env, kernel, spec->schedule) : NULL;
    tg_schedule_apply(&env, f, sig, m->file, kernel, given, spec);
    return diags->n_errors == errors ? f : NULL;
}
