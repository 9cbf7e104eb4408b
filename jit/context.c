/* Making and ending a context. */
#include "jit/call.h"

#include <string.h>

const char *tg_version_string(void) {
    return "0.1.0";
}

uint32_t tg_version(void) {
    return TG_VERSION;
}

static tg_status open_machine(tg_context *c, const tg_settings *s) {
    const tg_context_options *o = &s->options;
    c->device = tg_device_find(o->device);
    if (!c->device) {
        return tg_fail(NULL, TG_ERROR_INVALID_ARGUMENT, "%sunknown device '%s'; there is: cpu",
                       s->device_from, o->device);
    }
    c->target = tg_target_find(NULL);
    if (!c->target->machine(o->arch, &c->machine)) {
        return tg_fail(
            NULL, TG_ERROR_UNSUPPORTED,
            "%sunknown instruction set '%s'; there are: avx512amx, avx512vnni, avx512, avx2vnni, avx2, v2",
            o->arch ? s->arch_from : "", o->arch ? o->arch : "of this machine");
    }
    return TG_OK;
}

/* All that decides generated code besides the source and the variant. */
static tg_status hash_build(tg_context *c) {
    tg_unwind u;
    tg_arena *arena = tg_arena_create(&c->allocator, &u);
    if (!arena || TG_PROTECT(&u)) {
        tg_arena_destroy(arena);
        return tg_fail(NULL, TG_ERROR_OUT_OF_MEMORY, "out of memory");
    }
    char version[32];
    const tg_machine *m = &c->machine;
    tg_code_version(version, sizeof version);
    tg_hasher *h = tg_hasher_create(arena);
    tg_build_id_add(h);
    tg_hasher_add_text(h, version);
    tg_hasher_add_text(h, c->target->name);
    tg_hasher_add_text(h, m->arch);
    tg_hasher_add_text(h, m->cpu);
    tg_hasher_add_text(h, m->features);
    tg_hasher_add_u64(h, (uint64_t)m->vector_bits);
    tg_hasher_add_u64(h, (uint64_t)m->l1_bytes);
    tg_hasher_add_u64(h, (uint64_t)m->l2_bytes);
    tg_hasher_add_u64(h, (uint64_t)m->l3_bytes);
    tg_hasher_add_u64(h, (uint64_t)m->stream_bytes);
    tg_hasher_add_u64(h, m->requests);
    tg_hasher_add_u64(h, m->requests_rows);
    tg_hasher_add_u64(h, m->requests_far);
    tg_hasher_add_u64(h, m->waits_for_results);
    tg_hasher_add_u64(h, m->foresees);
    tg_hasher_add_u64(h, m->halves);
    tg_hasher_add_u64(h, m->pairs_bf16);
    tg_hasher_add_u64(h, (uint64_t)m->n_cores);
    tg_hasher_add_u64(h, c->checked);
    tg_hasher_add_u64(h, TG_ABI_VERSION);
    c->build = tg_hasher_finish(h);
    tg_arena_destroy(arena);
    return TG_OK;
}

static tg_status open_parts(tg_context *c, const tg_context_options *o,
                            const char *stdlib_path) {
    tg_host_options host = {.allocator = &c->allocator,
                            .n_threads = o->n_threads,
                            .pin = o->pin_threads != 0,
                            .flush_denormals = o->flush_denormals != 0,
                            .print = o->print,
                            .print_user = o->print_user};
    tg_status s = tg_host_create(&host, &c->host);
    if (s == TG_OK) {
        s = tg_code_space_create(&c->allocator, &c->code);
    }
    if (s == TG_OK) {
        s = tg_async_create(&c->allocator, tg_processor_count(), &c->async);
    }
    if (s == TG_OK) {
        uint64_t limit = o->cache_bytes ? o->cache_bytes : (uint64_t)512 << 20;
        s = tg_cache_open(&c->cache, &c->allocator, o->cache_dir, limit);
    }
    if (s == TG_OK && o->include_path) {
        c->include_path = tg_copy_text(&c->allocator, o->include_path);
        s = c->include_path ? TG_OK : TG_ERROR_OUT_OF_MEMORY;
    }
    if (s == TG_OK && stdlib_path) {
        c->stdlib_path = tg_copy_text(&c->allocator, stdlib_path);
        s = c->stdlib_path ? TG_OK : TG_ERROR_OUT_OF_MEMORY;
    }
    return s ? tg_fail(NULL, s, "%s", tg_status_name(s)) : TG_OK;
}

tg_status tg_context_create_versioned(uint32_t version, const tg_context_options *options,
                                      tg_context **out) {
    if (!out) {
        return tg_fail(NULL, TG_ERROR_INVALID_ARGUMENT, "out is null");
    }
    *out = NULL;
    if (version > TG_VERSION) {
        return tg_fail(NULL, TG_ERROR_INVALID_ARGUMENT,
                       "the headers are of version %u, the library only of %u", version,
                       (unsigned)TG_VERSION);
    }
    tg_settings s;
    if (!tg_options_read(options, &s.options, sizeof s.options)) {
        return tg_fail(NULL, TG_ERROR_INVALID_ARGUMENT,
                       "options have a wrong struct_size or unknown fields");
    }
    if (s.options.n_threads < 0) {
        return tg_fail(NULL, TG_ERROR_INVALID_ARGUMENT,
                       "n_threads is %d; 0 means all processors", s.options.n_threads);
    }
    if (tg_settings_read_environment(&s)) {
        return TG_ERROR_INVALID_ARGUMENT;
    }
    const tg_allocator *a = s.options.allocator ? s.options.allocator : &tg_allocator_default;
    tg_context *c = tg_alloc(a, sizeof *c, _Alignof(tg_context));
    if (!c) {
        return tg_fail(NULL, TG_ERROR_OUT_OF_MEMORY, "out of memory");
    }
    c->allocator = *a;
    c->deterministic = s.options.deterministic != 0;
    c->checked = s.options.checked != 0;
    enum { SPECIALISE_AFTER = 1000 };
    int32_t after = s.options.specialise_after;
    c->specialise_after = after < 0 || c->deterministic || c->checked ? 0 : after ? (uint32_t)after : SPECIALISE_AFTER;
    pthread_mutex_init(&c->error_lock, NULL);
    pthread_mutex_init(&c->calls_lock, NULL);
    tg_status status = open_machine(c, &s);
    if (status == TG_OK) {
        status = open_parts(c, &s.options, s.stdlib_path);
    }
    if (status == TG_OK) {
        status = hash_build(c);
    }
    if (status) {
        tg_context_destroy(c);
        return status;
    }
    *out = c;
    return TG_OK;
}

void tg_context_destroy(tg_context *context) {
    if (!context) {
        return;
    }
    tg_allocator a = context->allocator;
    tg_context_part *part = atomic_load(&context->stdlib);
    if (part) {
        part->free(part);
    }
    tg_calls_end(context, NULL);
    tg_modules_forget(context);
    tg_async_destroy(context->async);
    tg_code_space_destroy(context->code);
    tg_host_destroy(context->host);
    tg_cache_close(&context->cache);
    tg_free_text(&a, context->include_path);
    tg_free_text(&a, context->stdlib_path);
    tg_errors_free(context);
    pthread_mutex_destroy(&context->error_lock);
    pthread_mutex_destroy(&context->calls_lock);
    tg_free(&a, context, sizeof *context);
}

const char *tg_context_device(const tg_context *context) {
    return context ? context->device->name : "";
}

const char *tg_context_arch(const tg_context *context) {
    return context ? context->machine.arch : "";
}

int32_t tg_context_n_threads(const tg_context *context) {
    return context ? tg_host_n_threads(context->host) : 0;
}

const char *tg_context_cache_dir(const tg_context *context) {
    return context ? context->cache.dir : NULL;
}
