/* From the command line to a kernel and its types and constants. */
#include "base/io.h"
#include "cli/cli.h"
#include "dsl/passes/passes.h"
#include "tegula/ops.h"

#include <stdlib.h>
#include <string.h>

int64_t cli_default_extent(const tg_signature *sig) {
    return sig->n_dims <= 3 ? 64 : sig->n_dims <= 5 ? 32 : 16;
}

const char *cli_lookup(const cli_list *list, const char *name) {
    size_t n = strlen(name);
    for (uint32_t i = list->n; i-- > 0;) {
        if (strncmp(list->items[i], name, n) == 0 && list->items[i][n] == '=') {
            return list->items[i] + n + 1;
        }
    }
    return NULL;
}

int cli_open_context(const tg_context_options *options, tg_context **context) {
    tg_status s = tg_context_create(options, context);
    if (s) {
        (void)cli_last_error(NULL);
    }
    return s == TG_OK ? CLI_OK : s == TG_ERROR_INVALID_ARGUMENT || s == TG_ERROR_UNSUPPORTED ? CLI_USAGE : CLI_FAILED;
}

int cli_open_compiler(const tg_context_options *options, tg_context **context) {
    int code = cli_open_context(options, context);
    tg_context *c = *context;
    if (!code && options->arch && strcmp(options->arch, c->machine.arch) == 0) {
        c->target->typical(&c->machine);
    }
    return code;
}

bool cli_are_passes(const char *list) {
    size_t n;
    for (const char *at = list; *at; at += n + (at[n] == ',')) {
        n = strcspn(at, ",");
        if (tg_pass_from_name(at, n) == TG_PASS_COUNT) {
            (void)cli_wrong_usage("unknown pass %.*s; tegula opt --list shows all", (int)n, at);
            return false;
        }
    }
    return true;
}

static tg_kernel *only_kernel(tg_module *m, const char *path) {
    if (tg_module_n_kernels(m) == 1) {
        return tg_module_kernel_at(m, 0);
    }
    if (tg_module_n_kernels(m) == 0) {
        (void)cli_wrong_usage("%s has no kernel", path);
        return NULL;
    }
    char names[1500] = "";
    size_t n = 0;
    for (uint32_t i = 0; i < tg_module_n_kernels(m) && n < sizeof names; i++) {
        n += tg_format(names + n, sizeof names - n, " %s", tg_kernel_name(tg_module_kernel_at(m, i)));
    }
    (void)cli_wrong_usage("%s has %u kernels; choose one with --kernel:%s", path, tg_module_n_kernels(m), names);
    return NULL;
}

static tg_kernel *under_schedule(tg_kernel *k, const cli_selection *s, int *code) {
    tg_schedule_options options = TG_SCHEDULE_OPTIONS_INIT;
    options.schedule = s->schedule;
    options.alone = s->only_given;
    tg_kernel *derived = k;
    if (k && (s->schedule || s->only_given) && tg_kernel_with_schedule(k, &options, &derived)) {
        *code = cli_last_error(k->context);
    }
    return derived;
}

/* "std:softmax" is a kernel of the standard library; with --kernel another one of its file. */
static tg_status load_module(tg_context *context, const char *path, const char **kernel,
                             tg_module **module) {
    static const char prefix[] = "std:";
    if (strncmp(path, prefix, sizeof prefix - 1)) {
        return tg_module_load_file(context, path, module);
    }
    const char *name = path + sizeof prefix - 1;
    *kernel = *kernel ? *kernel : name;
    return tg_stdlib_module(context, name, module);
}

tg_kernel *cli_load(tg_context *context, const char *path, const cli_selection *s, bool json,
                    tg_module **module, int *code) {
    const char *name = s->kernel;
    if (load_module(context, path, &name, module)) {
        *code = cli_last_error(context);
        return NULL;
    }
    if (!json) {
        fprintf(stderr, "%s", tg_module_warnings(*module));
    }
    tg_kernel *k = name ? tg_module_kernel(*module, name) : only_kernel(*module, path);
    if (!k && name) {
        (void)cli_last_error(context);
    }
    *code = CLI_USAGE; /* unless there is a kernel */
    return under_schedule(k, s, code);
}

/* ---- types and constants --------------------------------------------------------------------------------------
 */

typedef struct bindings {
    char text[CLI_LIST_MAX][96];
    const char *items[CLI_LIST_MAX];
    uint32_t n;
} bindings;

static void add(bindings *b, const char *name, const char *value) {
    if (b->n < CLI_LIST_MAX) {
        snprintf(b->text[b->n], sizeof b->text[0], "%s=%s", name, value);
        b->items[b->n] = b->text[b->n];
        b->n++;
    }
}

static const char *default_type(const tg_sig_tparam *t) {
    for (uint32_t i = 0; i < t->n_members; i++) {
        if (t->members[i] == TG_F32) {
            return "f32";
        }
    }
    return tg_dtype_name(t->members[0]);
}

/* `--dtype bf16` without a name is for all type parameters. */
static const char *chosen_type(const cli_list *dtypes, const tg_sig_tparam *t) {
    const char *named = cli_lookup(dtypes, t->name);
    for (uint32_t i = dtypes->n; i-- > 0 && !named;) {
        named = strchr(dtypes->items[i], '=') ? NULL : dtypes->items[i];
    }
    return named ? named : default_type(t);
}

static bool is_name(const tg_signature *sig, const char *name, size_t n) {
    for (uint32_t i = 0; i < sig->n_dims; i++) {
        if (strncmp(sig->dims[i].name, name, n) == 0 && sig->dims[i].name[n] == '\0') {
            return true;
        }
    }
    for (uint32_t i = 0; i < sig->n_params; i++) {
        bool scalar = sig->params[i].kind == TG_SP_SCALAR;
        if (scalar && strncmp(sig->params[i].name, name, n) == 0 &&
            sig->params[i].name[n] == '\0') {
            return true;
        }
    }
    return false;
}

/* Every T of --dtype T=TYPE must be a type parameter. */
static bool check_type_names(const tg_signature *sig, const cli_list *dtypes) {
    for (uint32_t i = 0; i < dtypes->n; i++) {
        const char *item = dtypes->items[i];
        size_t n = strcspn(item, "=");
        bool found = !item[n];
        for (uint32_t k = 0; k < sig->n_tparams && !found; k++) {
            found = strlen(sig->tparams[k].name) == n && strncmp(sig->tparams[k].name, item, n) == 0;
        }
        if (!found) {
            (void)cli_wrong_usage("--dtype %s: %s has no type parameter of that name", item, sig->name);
            return false;
        }
    }
    return true;
}

/* Every NAME of --set must be a dimension or a scalar. */
static bool check_names(const tg_signature *sig, const cli_list *set) {
    for (uint32_t i = 0; i < set->n; i++) {
        size_t n = strcspn(set->items[i], "=");
        if (!set->items[i][n]) {
            (void)cli_wrong_usage("--set %s: write NAME=VALUE", set->items[i]);
            return false;
        }
        if (!is_name(sig, set->items[i], n)) {
            (void)cli_wrong_usage("--set %s: %s has no dimension or scalar of that name", set->items[i], sig->name);
            return false;
        }
    }
    return true;
}

int cli_select(tg_kernel *k, const cli_selection *s, tg_selection *out) {
    const tg_signature *sig = k->signature;
    bindings b = {.n = 0};
    if (!check_names(sig, &s->set) || !check_type_names(sig, &s->dtypes)) {
        return CLI_USAGE;
    }
    for (uint32_t i = 0; i < sig->n_tparams; i++) {
        add(&b, sig->tparams[i].name, chosen_type(&s->dtypes, &sig->tparams[i]));
    }
    for (uint32_t i = 0; i < sig->n_dims; i++) {
        const char *value = cli_lookup(&s->set, sig->dims[i].name);
        if (sig->dims[i].const_slot >= 0) {
            char extent[24];
            snprintf(extent, sizeof extent, "%lld", (long long)cli_default_extent(sig));
            add(&b, sig->dims[i].name, value ? value : extent);
        }
    }
    for (uint32_t i = 0; i < sig->n_params; i++) {
        const char *value = cli_lookup(&s->set, sig->params[i].name);
        if (sig->params[i].const_slot >= 0 && (value || !sig->params[i].has_default)) {
            add(&b, sig->params[i].name, value ? value : "1");
        }
    }
    tg_kernel_spec spec = {.struct_size = sizeof spec,
                           .bindings = b.items,
                           .n_bindings = b.n,
                           .absent = s->absent.items,
                           .n_absent = s->absent.n};
    if (tg_selection_read(k, &spec, out)) {
        (void)cli_last_error(k->context);
        return CLI_USAGE;
    }
    return CLI_OK;
}
