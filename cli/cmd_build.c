/* tegula build: ahead of time. An object with one variant of a kernel, and a header with its
 * launcher:
 *
 *   static inline tg_status gemm_launch(tg_aot *rt, const tg_aot_tensor *A, …, double alpha);
 *
 * The program links the object and libtegula_rt (thread pool, memory, checks), not LLVM. */
#include "base/io.h"
#include "cli/cli.h"

#include <ctype.h>
#include <string.h>

static const cli_command self = {
    "build", "FILE|std:KERNEL", "compile ahead of time: an object file and a C header (link libtegula_rt)",
    cmd_build};

typedef struct build_options {
    cli_selection selection;
    const char *output, *header, *arch, *target, *name;
    bool json;
} build_options;

/* ---- the header ------------------------------------------------------------------------------------------------
 */

static void put_guard(tg_strbuf *h, const char *name) {
    for (const char *p = name; *p; p++) {
        tg_strbuf_putc(h, (char)toupper((unsigned char)*p));
    }
    tg_strbuf_puts(h, "_TEGULA_H");
}

static void put_bytes(tg_strbuf *h, const char *name, const char *data, size_t n) {
    tg_strbuf_printf(h, "static const unsigned char %s_signature[] = {", name);
    for (size_t i = 0; i < n; i++) {
        tg_strbuf_printf(h, "%s%u,", i % 24 ? "" : "\n    ", (unsigned)(unsigned char)data[i]);
    }
    tg_strbuf_puts(h, "\n};\n");
}

/* Optional tensors that the code does without, a bit each. */
static uint64_t absent_of(const tg_signature *sig, const tg_selection *s) {
    uint64_t absent = 0;
    for (uint32_t i = 0; i < sig->n_params; i++) {
        absent |= (uint64_t)!s->present[i] << i;
    }
    return absent;
}

static void put_variant(tg_strbuf *h, const char *name, const tg_kernel *k, const tg_selection *s,
                        const tg_artifact *a) {
    const tg_signature *sig = k->signature;
    tg_strbuf_printf(h, "static const tg_dtype %s_types[] = {", name);
    for (uint32_t i = 0; i < sig->n_tparams; i++) {
        tg_strbuf_printf(h, "(tg_dtype)%d /* %s */, ", (int)s->types[i],
                         tg_dtype_name(s->types[i]));
    }
    tg_strbuf_printf(h, "TG_DTYPE_NONE};\nstatic const double %s_consts[] = {", name);
    for (uint32_t i = 0; i < sig->n_consts; i++) {
        const tg_scalar *c = &s->consts[i];
        tg_strbuf_printf(h, "%.17g, ", tg_dtype_is_float(c->dtype) ? c->f : (double)c->i);
    }
    tg_strbuf_printf(h, "0};\nint32_t %s(const struct tg_rt *rt, const void *const *args);\n",
                     a->object.entry);
    tg_strbuf_printf(h,
                     "static const tg_aot_kernel %s_kernel = {\n    sizeof(tg_aot_kernel), %d, "
                     "%d, \"%s\", %s, %s_signature, "
                     "sizeof %s_signature,\n    %s_types, %u, %u, %s_consts, \"%s\", %llu,\n};\n\n",
                     name, TG_ABI_VERSION, a->prints ? 1 : 0, name, a->object.entry, name, name,
                     name, sig->n_tparams, sig->n_consts, name, k->context->machine.needs,
                     (unsigned long long)absent_of(sig, s));
}

static const char *c_type(tg_dtype t) {
    if (tg_dtype_is_float(t)) {
        return "double";
    }
    return tg_dtype_kind_of(t) == TG_KIND_UINT ? "uint64_t" : "int64_t";
}

/* A parameter's name, unless it means something else in C or C++ or to the launcher. */
static const char *c_name(const tg_sig_param *p, tg_arena *arena) {
    static const char *const taken[] = {"rt", "args", "asm", "auto", "case", "catch", "char", "char8_t", "char16_t", "char32_t", "class", "co_await",
        "co_return", "co_yield", "concept", "const_cast", "consteval", "constexpr", "constinit", "decltype", "default", "delete", "do", "double",
        "dynamic_cast", "enum", "explicit", "export", "float", "friend", "goto", "inline", "linux", "long", "mutable", "namespace", "new", "noexcept",
        "nullptr", "operator", "protected", "public", "register", "reinterpret_cast", "requires", "restrict", "short", "signed", "sizeof", "static",
        "static_cast", "struct", "switch", "template", "this", "thread_local", "throw", "try", "typedef", "typeid", "typename", "typeof",
        "typeof_unqual", "union", "unix", "unsigned", "using", "virtual", "void", "volatile", "wchar_t", "alignas", "alignof", "and", "and_eq",
        "bitand", "bitor", "compl", "not", "not_eq", "or", "or_eq", "xor", "xor_eq"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        if (strcmp(p->name, taken[i]) == 0) {
            return tg_arena_printf(arena, "%s_", p->name);
        }
    }
    return p->name;
}

static void put_tensor_doc(tg_strbuf *h, const tg_sig_param *p, bool present, const tg_dtype *types) {
    static const char *const kinds[] = {"in", "out", "inout"};
    tg_strbuf_printf(h, " *   %s %s %s[", kinds[p->kind],
                     tg_dtype_name(tg_param_dtype(p, types)), p->name);
    for (uint32_t d = 0; d < p->rank; d++) {
        tg_strbuf_printf(h, "%s%s", d ? ", " : "", p->shape_text ? p->shape_text[d] : "?");
    }
    tg_strbuf_puts(h, present ? "]\n" : "]: null\n");
}

static void put_launcher(tg_strbuf *h, const char *name, const tg_kernel *k, const tg_selection *s) {
    const tg_signature *sig = k->signature;
    tg_strbuf_puts(h, "/** Runs the kernel on all threads of `rt` and waits. Tensors:\n");
    for (uint32_t i = 0; i < sig->n_params; i++) {
        if (tg_param_is_tensor(&sig->params[i])) {
            put_tensor_doc(h, &sig->params[i], s->present[i], s->types);
        }
    }
    tg_strbuf_printf(h, " * Errors as tg_aot_launch; the text is in tg_aot_last_error. */\n");
    tg_strbuf_printf(h, "static inline tg_status %s_launch(tg_aot *rt", name);
    for (uint32_t i = 0; i < sig->n_params; i++) {
        const tg_sig_param *p = &sig->params[i];
        if (tg_param_is_tensor(p)) {
            tg_strbuf_printf(h, ", const tg_aot_tensor *%s", c_name(p, h->arena));
        } else {
            tg_strbuf_printf(h, ", %s %s",
                             p->kind == TG_SP_PTR ? "uint64_t"
                                                  : c_type(tg_param_dtype(p, s->types)),
                             c_name(p, h->arena));
        }
    }
    tg_strbuf_printf(h, ") {\n    tg_aot_arg args[%u];\n", sig->n_params ? sig->n_params : 1);
    for (uint32_t i = 0; i < sig->n_params; i++) {
        const tg_sig_param *p = &sig->params[i];
        bool tensor = tg_param_is_tensor(p),
             real = !tensor && tg_dtype_is_float(tg_param_dtype(p, s->types));
        tg_strbuf_printf(h, "    args[%u] = tg_aot_%s_arg(%s%s);\n", i,
                         tensor ? "tensor"
                         : real ? "float"
                                : "int",
                         tensor || real ? "" : "(int64_t)", c_name(p, h->arena));
    }
    tg_strbuf_printf(h, "    return tg_aot_launch(rt, &%s_kernel, args, %u);\n}\n", name, sig->n_params);
}

static void make_header(tg_strbuf *h, const char *name, const tg_kernel *k, const tg_selection *s,
                        const tg_artifact *a) {
    tg_strbuf signature;
    tg_strbuf_init(&signature, h->arena);
    tg_signature_write(k->signature, &signature);
    tg_strbuf_printf(h,
                     "/* %s for %s %s: made by `tegula build`. Link its object and "
                     "libtegula_rt. */\n#ifndef ",
                     k->signature->name, k->context->target->name, k->context->machine.needs);
    put_guard(h, name);
    tg_strbuf_puts(h, "\n#define ");
    put_guard(h, name);
    tg_strbuf_puts(
        h, "\n\n#include <tegula/aot.h>\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
    put_bytes(h, name, signature.data, signature.len);
    put_variant(h, name, k, s, a);
    put_launcher(h, name, k, s);
    tg_strbuf_puts(h, "\n#ifdef __cplusplus\n}\n#endif\n#endif\n");
}

/* ---- flow --------------------------------------------------------------------------------------------------------
 */

static const char *name_of(const build_options *o, const tg_kernel *k) {
    return o->name ? o->name : k->signature->name;
}

static int write_files(const build_options *o, const tg_kernel *k, const tg_selection *s,
                       const tg_artifact *a, tg_arena *arena) {
    const char *name = name_of(o, k);
    const char *object = o->output ? o->output : tg_arena_printf(arena, "%s.o", name);
    const char *header = o->header ? o->header : tg_arena_printf(arena, "%s.h", name);
    tg_strbuf h;
    tg_strbuf_init(&h, arena);
    make_header(&h, name, k, s, a);
    if (strcmp(object, header) == 0) {
        return cli_wrong_usage("-o and --header both name %s", object);
    }
    tg_status status = tg_io_write_file(object, a->object.bytes, a->object.size);
    if (status) {
        return cli_cannot_write(object, status);
    }
    status = tg_io_write_file(header, h.data, h.len);
    if (status) {
        return cli_cannot_write(header, status);
    }
    if (o->json) {
        const tg_machine *m = &k->context->machine;
        printf("{\"ok\": true, \"kernel\": \"%s\", \"name\": \"%s\", \"arch\": \"%s\", \"caches_kib\": [%lld, %lld, %lld], \"object\": ",
               k->signature->name, name, m->needs, (long long)m->l1_bytes >> 10, (long long)m->l2_bytes >> 10, (long long)m->l3_bytes >> 10);
        cli_json_text(stdout, object);
        printf(", \"header\": ");
        cli_json_text(stdout, header);
        printf(", \"object_bytes\": %zu}\n", a->object.size);
    }
    return CLI_OK;
}

static int build_variant(const build_options *o, tg_kernel *k, const tg_selection *s,
                         tg_arena *arena) {
    tg_context *c = k->context;
    tg_instance_spec spec = {.types = s->types,
                             .consts = s->consts,
                             .present = s->present,
                             .machine = &c->machine,
                             .schedule = k->schedule,
                             .only_given = k->only_given};
    tg_compile_options options = {.target = c->target,
                                  .machine = &c->machine,
                                  .codegen = {.entry = tg_arena_printf(arena, "tg_%s", name_of(o, k))},
                                  .emit = TG_EMIT_OBJECT};
    tg_diags diags = tg_compilation_diags(k->module->compilation, arena);
    tg_artifact a;
    const char *message;
    tg_status status = tg_compile_kernel(k->module->compilation, k->item, &spec, &options,
                                         arena, &diags, &a, &message);
    if (status == TG_OK) {
        return write_files(o, k, s, &a, arena);
    }
    return cli_fail_diags(&diags, tg_arena_printf(arena, "%s: %s", k->signature->name, message), arena);
}

static int with_arena(const build_options *o, tg_kernel *k) {
    tg_selection s;
    int code = cli_select(k, &o->selection, &s);
    if (code) {
        return code;
    }
    tg_unwind u;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &u);
    if (!arena || TG_PROTECT(&u)) {
        tg_arena_destroy(arena);
        return cli_error("out of memory");
    }
    code = build_variant(o, k, &s, arena);
    tg_arena_destroy(arena);
    return code;
}

static bool is_c_name(const char *name) {
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return n && !name[n] && !isdigit((unsigned char)name[0]);
}

static int build_file(const build_options *o, const char *path) {
    tg_context_options options = TG_CONTEXT_OPTIONS_INIT;
    options.arch = o->arch ? o->arch : "portable";
    options.cache_dir = "";
    tg_context *c;
    int code = cli_open_compiler(&options, &c);
    if (code) {
        return code;
    }
    tg_module *m = NULL;
    tg_kernel *k = cli_load(c, path, &o->selection, o->json, &m, &code);
    if (k) {
        code = with_arena(o, k);
    }
    tg_module_destroy(m);
    tg_context_destroy(c);
    return code;
}

int cmd_build(int argc, char **argv) {
    build_options o = {.target = "x86"};
    cli_list files = {.n = 0};
    const cli_option options[] = {
        CLI_OPTION_KERNEL(&o.selection.kernel),
        CLI_OPTIONS_SCHEDULE(o.selection),
        {"-o", CLI_TEXT, "FILE", "the object; default KERNEL.o", &o.output},
        {"--header", CLI_TEXT, "FILE", "the header; default KERNEL.h", &o.header},
        CLI_OPTION_CONSTANTS(&o.selection.set),
        CLI_OPTION_DTYPE(&o.selection.dtypes),
        CLI_OPTION_ABSENT(&o.selection.absent),
        {"--target", CLI_TEXT, "NAME", "x86", &o.target},
        {"--arch", CLI_TEXT, "NAME",
         "portable (default): for all processors of this one's level, tuned for this one; native: with all it has; or avx512amx, avx512vnni, avx512, "
         "avx2vnni, avx2, v2",
         &o.arch},
        {"--name", CLI_TEXT, "NAME", "of the launcher and in the object, where several variants meet in a program; default: the kernel's", &o.name},
        {"--json", CLI_FLAG, NULL, "one JSON object", &o.json},
    };
    int code;
    if (!cli_parse(&self, options, sizeof options / sizeof options[0], argc, argv, &files,
                   &code)) {
        return code;
    }
    if (files.n != 1) {
        return cli_wrong_usage("build takes one file");
    }
    if (!tg_target_find(o.target)) {
        return cli_wrong_usage("unknown target '%s'; there is: x86", o.target);
    }
    if (o.name && !is_c_name(o.name)) {
        return cli_wrong_usage("--name %s: a name in C has letters, digits and underscores", o.name);
    }
    return build_file(&o, files.items[0]);
}
