/* Compiled variants of a kernel. Finding one is a hash look-up in an open-addressing table that
 * readers walk without a lock: slots only ever go from null to a variant, and a table that grew
 * is replaced whole (the older ones stay until the kernel goes, for readers that still hold
 * them).
 *
 * The thread that inserts a variant compiles it; the others wait for its state to change. A
 * failed compile is remembered, so that a broken launch in a loop does not compile each time;
 * running out of memory is not. */
#include "base/clock.h"
#include "base/io.h"
#include "jit/call.h"

#include <string.h>

enum { FIRST_SLOTS = 16 };
/* Of cache entries; 8 to 31 and 56 to 57 are a tg_packing, 32 to 55 a tg_few_rows. */
enum { FLAG_NONDETERMINISTIC = 1, FLAG_PRINTS = 2, FLAG_PLAIN = 4, FLAG_FEW_ROWS = 8 };
enum { PACKED_DIM_SHIFT = 8, PACKED_ALONG_SHIFT = 11, PACKED_GROUP_SHIFT = 14, PACKED_WIDTH_SHIFT = 17, PACKED_FLIPS_SHIFT = 56 };
enum { FEW_PARAM_SHIFT = 32, FEW_DIM_SHIFT = 40, FEW_AGAINST_SHIFT = 48 };
_Static_assert(TG_MAX_RANK <= 8, "three bits hold a dimension");

/* In the second word of types: the top bit of a byte whose dtype code is below 128. */
#define GENERAL_BIT (UINT64_C(1) << 63)
#define SHAPES_BIT  (UINT64_C(1) << 55)
#define PACKED_BIT  (UINT64_C(1) << 47)
#define FEW_BIT     (UINT64_C(1) << 39)

/* ---- keys -------------------------------------------------------------------------------------------------
 */

uint32_t tg_kernel_key_words(const tg_signature *sig) {
    return 2 + 1 + 2 * sig->n_consts;
}

static uint64_t bits_of(double v) {
    uint64_t u;
    memcpy(&u, &v, sizeof u);
    return u;
}

void tg_variant_key_make(const tg_kernel *k, const tg_dtype *types, const tg_scalar *consts,
                         const bool *present, tg_variant_key *key) {
    const tg_signature *sig = k->signature;
    key->n = k->key_words;
    key->words[0] = key->words[1] = key->words[2] = 0;
    for (uint32_t i = 0; i < sig->n_tparams; i++) {
        key->words[i / 8] |= (uint64_t)types[i] << (8 * (i % 8));
    }
    for (uint32_t i = 0; i < sig->n_params; i++) {
        key->words[2] |= (uint64_t)present[i] << i;
    }
    for (uint32_t i = 0; i < sig->n_consts; i++) {
        const tg_scalar *c = &consts[i];
        bool is_int = tg_dtype_kind_of(c->dtype) < TG_KIND_FLOAT;
        key->words[3 + 2 * i] = is_int ? (uint64_t)c->i : bits_of(c->f);
        key->words[4 + 2 * i] =
            tg_dtype_kind_of(c->dtype) == TG_KIND_COMPLEX ? bits_of(c->g) : 0;
    }
    key->hash = tg_hash_u64(key->words, key->n * sizeof *key->words);
}

void tg_variant_key_set_general(tg_variant_key *key) {
    key->words[1] |= GENERAL_BIT;
    key->hash = tg_hash_u64(key->words, key->n * sizeof *key->words);
}

void tg_variant_key_set_few(tg_variant_key *key) {
    key->words[1] |= FEW_BIT;
    key->hash = tg_hash_u64(key->words, key->n * sizeof *key->words);
}

void tg_variant_key_set_orders(const tg_kernel *k, const tg_order *orders, tg_variant_key *key) {
    uint32_t n = k->signature->n_params;
    memcpy(&key->words[k->key_words], orders, n * sizeof *orders);
    key->n = k->key_words + n;
    key->hash = tg_hash_u64(key->words, key->n * sizeof *key->words);
}

bool tg_variant_key_set_shapes(const tg_kernel *k, const tg_launch_arg *args, tg_variant_key *key) {
    uint32_t n = k->key_words;
    for (uint32_t i = 0; i < k->signature->n_params; i++) {
        const tg_launch_arg *a = &args[i];
        if (!a->tensor) {
            continue;
        }
        if (n + 2 * a->rank > TG_KEY_WORDS) {
            return false;
        }
        memcpy(&key->words[n], a->tensor->shape, a->rank * sizeof *key->words);
        memcpy(&key->words[n + a->rank], a->tensor->stride, a->rank * sizeof *key->words);
        n += 2 * a->rank;
    }
    key->words[1] |= SHAPES_BIT;
    key->n = n;
    key->hash = tg_hash_u64(key->words, key->n * sizeof *key->words);
    return true;
}

bool tg_variant_key_add_orders(const tg_kernel *k, const tg_order *orders, tg_variant_key *key) {
    uint32_t n = k->signature->n_params;
    bool fits = key->n + n <= TG_KEY_WORDS;
    if (fits) {
        memcpy(&key->words[key->n], orders, n * sizeof *orders);
        key->n += n;
        key->hash = tg_hash_u64(key->words, key->n * sizeof *key->words);
    }
    return fits;
}

void tg_variant_key_set_packed(tg_variant_key *key, uint64_t packed) {
    key->words[1] |= PACKED_BIT;
    key->words[key->n++] = packed;
    key->hash = tg_hash_u64(key->words, key->n * sizeof *key->words);
}

static bool has_packed(const tg_variant_key *key) {
    return (key->words[1] & PACKED_BIT) != 0;
}

bool tg_variant_key_has_shapes(const tg_variant_key *key) {
    return (key->words[1] & SHAPES_BIT) != 0;
}

bool tg_variant_is_usual(const tg_variant *v) {
    return !(v->words[1] & (GENERAL_BIT | SHAPES_BIT | PACKED_BIT));
}

static bool matches(const tg_variant *v, const tg_variant_key *key) {
    return v->hash == key->hash && v->n_words == key->n &&
           memcmp(v->words, key->words, key->n * sizeof *key->words) == 0;
}

static tg_variant *search(const tg_kernel *k, const tg_variant_key *key) {
    tg_variant_table *t = atomic_load_explicit(&k->table, memory_order_acquire);
    if (!t) {
        return NULL;
    }
    for (uint32_t i = (uint32_t)key->hash & (t->n_slots - 1);; i = (i + 1) & (t->n_slots - 1)) {
        tg_variant *v = atomic_load_explicit(&t->slots[i], memory_order_acquire);
        if (!v || matches(v, key)) {
            return v;
        }
    }
}

static bool is_ready(const tg_variant *v) {
    return v && atomic_load_explicit(&v->state, memory_order_acquire) == TG_VARIANT_READY;
}

tg_variant *tg_variant_find(const tg_kernel *k, const tg_variant_key *key) {
    tg_variant *v = atomic_load_explicit(&k->recent, memory_order_acquire);
    if (!v || !matches(v, key)) {
        v = search(k, key);
    }
    return is_ready(v) ? v : NULL;
}

/* ---- the table ---------------------------------------------------------------------------------------------
 */

static size_t table_size(uint32_t n_slots) {
    return sizeof(tg_variant_table) + n_slots * sizeof(_Atomic(tg_variant *));
}

static void put(tg_variant_table *t, tg_variant *v) {
    uint32_t i = (uint32_t)v->hash & (t->n_slots - 1);
    while (atomic_load_explicit(&t->slots[i], memory_order_relaxed)) {
        i = (i + 1) & (t->n_slots - 1);
    }
    atomic_store_explicit(&t->slots[i], v, memory_order_release);
}

/* Room for one more, at most half full. */
static bool grow(tg_kernel *k) {
    tg_variant_table *t = atomic_load(&k->table);
    if (t && 2 * (k->n_variants + 1) <= t->n_slots) {
        return true;
    }
    uint32_t n = t ? t->n_slots * 2 : FIRST_SLOTS;
    tg_variant_table *bigger =
        tg_alloc(&k->context->allocator, table_size(n), _Alignof(tg_variant_table));
    if (!bigger) {
        return false;
    }
    bigger->n_slots = n;
    bigger->older = t;
    for (tg_variant *v = k->variants; v; v = v->next) {
        put(bigger, v);
    }
    atomic_store_explicit(&k->table, bigger, memory_order_release);
    return true;
}

static void free_variant(tg_kernel *k, tg_variant *v) {
    const tg_allocator *a = &k->context->allocator;
    tg_code_unload(k->context->code, &v->code);
    tg_free_text(a, v->text);
    tg_free_text(a, v->json);
    tg_free(a, v->words, v->n_words * sizeof *v->words);
    tg_free(a, v, sizeof *v);
}

static tg_variant *insert(tg_kernel *k, const tg_variant_key *key) {
    const tg_allocator *a = &k->context->allocator;
    tg_variant *v = grow(k) ? tg_alloc(a, sizeof *v, _Alignof(tg_variant)) : NULL;
    if (!v) {
        return NULL;
    }
    v->words = tg_alloc(a, key->n * sizeof *v->words, _Alignof(uint64_t));
    if (!v->words) {
        tg_free(a, v, sizeof *v);
        return NULL;
    }
    memcpy(v->words, key->words, key->n * sizeof *v->words);
    v->n_words = key->n;
    v->hash = key->hash;
    atomic_init(&v->state, TG_VARIANT_COMPILING);
    v->next = k->variants;
    k->variants = v;
    k->n_variants++;
    put(atomic_load(&k->table), v);
    return v;
}

void tg_kernel_init(tg_kernel *k, tg_module *module, const tg_item *item) {
    k->context = module->context;
    k->module = module;
    k->item = item;
    k->signature = tg_unit_signature(module->compilation->unit, item);
    k->key_words = tg_kernel_key_words(k->signature);
    pthread_mutex_init(&k->lock, NULL);
    pthread_cond_init(&k->changed, NULL);
}

void tg_kernel_fini(tg_kernel *k) {
    tg_calls_end(k->context, k);
    while (k->variants) {
        tg_variant *v = k->variants;
        k->variants = v->next;
        free_variant(k, v);
    }
    tg_variant_table *t = atomic_load(&k->table);
    while (t) {
        tg_variant_table *older = t->older;
        tg_free(&k->context->allocator, t, table_size(t->n_slots));
        t = older;
    }
    tg_free_text(&k->context->allocator, k->schedule);
    tg_choices_free(k);
    tg_plans_free(k);
    pthread_cond_destroy(&k->changed);
    pthread_mutex_destroy(&k->lock);
}

/* ---- compiling -----------------------------------------------------------------------------------------------
 */

typedef struct compile {
    tg_kernel *k;
    const tg_selection *s;
    tg_variant *v;
    tg_arena *arena;
    tg_diags diags;
    tg_hash disk_key;
    tg_status status;
    char message[512];
    char *text, *json; /* of a COMPILE failure */
} compile;

static tg_hash disk_key(const compile *c) {
    tg_hasher *h = tg_hasher_create(c->arena);
    tg_hash source = c->k->module->compilation->hash, build = c->k->context->build;
    tg_hasher_add(h, &source, sizeof source);
    tg_hasher_add(h, &build, sizeof build);
    const tg_codegen_options *codegen = &c->k->context->codegen;
    tg_hasher_add_u64(h, codegen->baseline | (uint64_t)codegen->debug_info << 1 |
                             (uint64_t)codegen->optimise_o2 << 2);
    tg_hasher_add_text(h, c->k->signature->name);
    tg_hasher_add_text(h, c->k->schedule ? c->k->schedule : "");
    tg_hasher_add_u64(h, c->k->only_given);
    tg_hasher_add(h, c->s->key.words, c->s->key.n * sizeof *c->s->key.words);
    tg_hasher_add_u64(h, tg_variant_key_has_shapes(&c->s->key) && tg_host_n_threads(c->k->context->host) > 1);
    return tg_hasher_finish(h);
}

static bool load_code(compile *c, const void *object, size_t size, const char *entry) {
    tg_status s = tg_code_load(c->k->context->code, object, size, entry, &c->v->code,
                               c->message, sizeof c->message);
    c->v->code_bytes = size;
    c->status = s;
    return s == TG_OK;
}

static uint64_t packing_to_flags(const tg_packing *p) {
    uint64_t flips = p->flips > 0 ? 1 : p->flips < 0 ? 2 : 0;
    return (uint64_t)p->dim << PACKED_DIM_SHIFT | (uint64_t)p->along << PACKED_ALONG_SHIFT | (uint64_t)p->group << PACKED_GROUP_SHIFT |
           (uint64_t)p->width << PACKED_WIDTH_SHIFT | flips << PACKED_FLIPS_SHIFT;
}

static tg_packing packing_of_flags(uint64_t flags) {
    static const int32_t flips[] = {0, 128, -128, 0};
    return (tg_packing){.dim = flags >> PACKED_DIM_SHIFT & 7, .width = flags >> PACKED_WIDTH_SHIFT & 0x7fff, .along = flags >> PACKED_ALONG_SHIFT & 7,
                        .group = flags >> PACKED_GROUP_SHIFT & 7, .flips = flips[flags >> PACKED_FLIPS_SHIFT & 3]};
}

static bool try_disk(compile *c) {
    tg_cache_entry e;
    if (!tg_cache_read(&c->k->context->cache, c->disk_key, c->arena, &e) ||
        !load_code(c, e.object, e.object_size, e.entry)) {
        return false;
    }
    c->v->nondeterministic = (e.flags & FLAG_NONDETERMINISTIC) != 0;
    c->v->serial = (e.flags & FLAG_PRINTS) != 0;
    c->v->plain = (e.flags & FLAG_PLAIN) != 0;
    c->v->packing = packing_of_flags(e.flags);
    c->v->few_rows = (tg_few_rows){(e.flags & FLAG_FEW_ROWS) != 0, (uint8_t)(e.flags >> FEW_PARAM_SHIFT), (uint8_t)(e.flags >> FEW_DIM_SHIFT), (uint8_t)(e.flags >> FEW_AGAINST_SHIFT)};
    c->v->from_cache = true;
    return true;
}

static uint64_t flags_of(const tg_artifact *a) {
    const tg_object *o = &a->object;
    uint64_t flags = (a->nondeterministic ? FLAG_NONDETERMINISTIC : 0u) | (a->prints ? FLAG_PRINTS : 0u) | (o->plain ? FLAG_PLAIN : 0u);
    flags |= packing_to_flags(&o->packing);
    flags |= (o->few_rows.left_out ? FLAG_FEW_ROWS : 0u) | (uint64_t)o->few_rows.param << FEW_PARAM_SHIFT;
    return flags | (uint64_t)o->few_rows.dim << FEW_DIM_SHIFT | (uint64_t)o->few_rows.against << FEW_AGAINST_SHIFT;
}

static void write_disk(const compile *c, const tg_artifact *artifact) {
    tg_strbuf signature;
    tg_strbuf_init(&signature, c->arena);
    tg_signature_write(c->k->signature, &signature);
    tg_cache_entry e = {.entry = artifact->object.entry,
                        .object = artifact->object.bytes,
                        .object_size = artifact->object.size,
                        .signature = signature.data,
                        .signature_size = signature.len,
                        .flags = flags_of(artifact)};
    tg_cache_write(&c->k->context->cache, c->disk_key, &e, c->arena);
}

static void keep_diagnostics(compile *c) {
    tg_strbuf text, json;
    tg_strbuf_init(&text, c->arena);
    tg_diags_render(&c->diags, false, &text);
    tg_strbuf_init(&json, c->arena);
    tg_diags_render_json(&c->diags, &json);
    c->text = text.data;
    c->json = json.data;
}

/* A context may be of a machine that only ahead-of-time objects are made for. */
static bool runs_here(compile *c) {
    const tg_machine *m = &c->k->context->machine;
    if (!m->runs_here) {
        c->status = TG_ERROR_UNSUPPORTED;
        (void)tg_format(
            c->message, sizeof c->message,
            "%s: this processor cannot run %s code; it can be compiled ahead of time",
            c->k->signature->name, m->arch);
    }
    return m->runs_here;
}

/* The tensors of the key, by parameter, and what orders come after them. */
static const tg_tensor_arg *shapes_of(const compile *c, const tg_order **orders) {
    const tg_signature *sig = c->k->signature;
    const uint64_t *w = &c->s->key.words[c->k->key_words];
    tg_tensor_arg *t = TG_NEW_ARRAY(c->arena, tg_tensor_arg, sig->n_params + 1);
    for (uint32_t i = 0; i < sig->n_params; i++) {
        uint32_t rank = tg_param_is_tensor(&sig->params[i]) && c->s->present[i] ? sig->params[i].rank : 0;
        memcpy(t[i].shape, w, rank * sizeof *w);
        memcpy(t[i].stride, w + rank, rank * sizeof *w);
        w += 2 * rank;
    }
    *orders = w < c->s->key.words + c->s->key.n ? w : NULL;
    return t;
}

static const bool *packed_of(const compile *c) {
    uint32_t n = c->k->signature->n_params;
    bool *packed = TG_NEW_ARRAY(c->arena, bool, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        packed[i] = c->s->key.words[c->k->key_words] >> i & 1;
    }
    return packed;
}

static void compile_now(compile *c) {
    tg_context *ctx = c->k->context;
    const char *message = NULL;
    tg_artifact artifact;
    tg_instance_spec spec = {.types = c->s->types,
                             .consts = c->s->consts,
                             .present = c->s->present,
                             .machine = &ctx->machine,
                             .schedule = c->k->schedule,
                             .only_given = c->k->only_given,
                             .checked = ctx->checked};
    tg_compile_options options = {.target = ctx->target,
                                  .machine = &ctx->machine,
                                  .codegen = ctx->codegen,
                                  .emit = TG_EMIT_OBJECT};
    if (tg_variant_key_has_shapes(&c->s->key)) {
        options.codegen.tensors = shapes_of(c, &options.orders);
    } else if (has_packed(&c->s->key)) {
        options.codegen.packed = packed_of(c);
    } else if (c->s->key.n > c->k->key_words) {
        options.orders = &c->s->key.words[c->k->key_words];
    }
    bool general = (c->s->key.words[1] & GENERAL_BIT) != 0;
    options.codegen.short_dims = c->s->key.words[1] & (FEW_BIT | SHAPES_BIT) ? NULL : c->s->short_dims;
    options.codegen.strides = general ? TG_STRIDES_GENERAL : TG_STRIDES_USUAL;
    options.codegen.in_parts = true;
    options.codegen.two_threads = tg_host_n_threads(ctx->host) > 1;
    c->diags = tg_compilation_diags(c->k->module->compilation, c->arena);
    c->status = tg_compile_kernel(c->k->module->compilation, c->k->item, &spec, &options,
                                  c->arena, &c->diags, &artifact, &message);
    if (c->status == TG_ERROR_COMPILE) {
        keep_diagnostics(c);
    }
    if (c->status) {
        (void)tg_format(c->message, sizeof c->message, "%s: %s", c->k->signature->name,
                        message);
        return;
    }
    c->v->nondeterministic = artifact.nondeterministic;
    c->v->serial = artifact.prints;
    c->v->plain = artifact.object.plain;
    c->v->packing = artifact.object.packing;
    c->v->few_rows = artifact.object.few_rows;
    if (load_code(c, artifact.object.bytes, artifact.object.size, artifact.object.entry)) {
        write_disk(c, &artifact);
    }
}

/* On a thread with a large stack. */
static void run_compile(void *user) {
    compile *c = user;
    tg_unwind u;
    c->arena = tg_arena_create(&c->k->context->allocator, &u);
    if (!c->arena) {
        c->status = TG_ERROR_OUT_OF_MEMORY;
        return;
    }
    if (TG_PROTECT(&u)) {
        c->status = u.status;
        tg_code_unload(c->k->context->code, &c->v->code);
        return;
    }
    double start = tg_now_ms();
    c->disk_key = disk_key(c);
    if (runs_here(c) && !try_disk(c)) {
        compile_now(c);
        c->v->compile_ms = tg_now_ms() - start;
    }
}

/* What failed is kept with the variant: the next launch says the same without compiling. */
static void publish(compile *c) {
    tg_kernel *k = c->k;
    const tg_allocator *a = &k->context->allocator;
    int state = TG_VARIANT_READY;
    if (c->status == TG_ERROR_OUT_OF_MEMORY) {
        state = TG_VARIANT_RETRY;
    } else if (c->status) {
        state = TG_VARIANT_FAILED;
        c->v->text = tg_copy_text(a, c->text ? c->text : c->message);
        c->v->json = tg_copy_text(a, c->json);
    }
    pthread_mutex_lock(&k->lock);
    c->v->status = c->status;
    atomic_store_explicit(&c->v->state, state, memory_order_release);
    pthread_cond_broadcast(&k->changed);
    pthread_mutex_unlock(&k->lock);
}

/* The variant of `key`: *mine if this thread is to compile it. Null: out of memory. */
static tg_variant *claim(tg_kernel *k, const tg_variant_key *key, bool *mine) {
    pthread_mutex_lock(&k->lock);
    tg_variant *v = search(k, key);
    *mine = !v;
    if (!v) {
        v = insert(k, key);
    }
    while (v && !*mine && atomic_load(&v->state) == TG_VARIANT_COMPILING) {
        pthread_cond_wait(&k->changed, &k->lock);
    }
    if (v && !*mine && atomic_load(&v->state) == TG_VARIANT_RETRY) {
        atomic_store(&v->state, TG_VARIANT_COMPILING);
        *mine = true;
    }
    pthread_mutex_unlock(&k->lock);
    return v;
}

static tg_status fail_variant(const tg_kernel *k, const tg_variant *v) {
    return tg_fail_compile(k->context, v->status, v->text ? v->text : tg_status_name(v->status),
                           v->json);
}

tg_status tg_variant_get(tg_kernel *k, const tg_selection *s, tg_variant **out) {
    bool mine;
    tg_variant *v = claim(k, &s->key, &mine);
    *out = v;
    if (!v) {
        return tg_fail(k->context, TG_ERROR_OUT_OF_MEMORY, "out of memory");
    }
    if (mine) {
        compile c = {.k = k, .s = s, .v = v};
        tg_run_on_large_stack(run_compile, &c);
        publish(&c);
        tg_arena_destroy(c.arena);
    }
    switch (atomic_load(&v->state)) {
    case TG_VARIANT_READY:
        atomic_store_explicit(&k->recent, v, memory_order_release);
        return TG_OK;
    case TG_VARIANT_FAILED:
        return fail_variant(k, v);
    default:
        return tg_fail(k->context, TG_ERROR_OUT_OF_MEMORY, "out of memory while compiling %s",
                       k->signature->name);
    }
}
