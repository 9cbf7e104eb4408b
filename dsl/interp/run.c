/* Entry: arguments to slots, the protected run, statistics. */
#include "base/io.h"
#include "dsl/interp/internal.h"

enum { DEFAULT_MAX_BYTES_LOG = 33 };

static bool is_tensor_param(const tg_fparam *p) {
    return p->kind == TG_FP_IN || p->kind == TG_FP_OUT || p->kind == TG_FP_INOUT;
}

static tile *tensor_argument(interp *c, const tg_fparam *p, const tg_interp_tensor *x) {
    tile *r = tile_scalar(c, p->dtype);
    r->tensor = pool_alloc(&c->pool, 1, sizeof *r->tensor);
    tensor_init(r->tensor, p->dtype, p->rank, x->arg.data, x->arg.shape, x->arg.stride);
    if (x->dtype != p->dtype || (!x->arg.data && r->tensor->n)) {
        interp_fail(c, TG_ERROR_INVALID_ARGUMENT, "argument %s: expected a tensor of %s",
                    p->name ? p->name : "?", tg_dtype_name(p->dtype));
    }
    if (c->ideal && p->kind != TG_FP_IN) {
        tensor_add_shadow(c, r->tensor, x->value, x->bound);
    }
    return r;
}

static tile *scalar_argument(interp *c, const tg_fparam *p, tg_scalar s) {
    tile *r = tile_scalar(c, p->kind == TG_FP_PTR ? TG_U64 : p->dtype);
    if (r->i) {
        r->i[0] = wrap_to(r->dtype, s.i);
    } else {
        r->f[0] = round_value(r->dtype, s.f);
    }
    if (r->g) {
        r->g[0] = round_value(r->dtype, s.g);
    }
    return r;
}

static void bind_arguments(interp *c) {
    for (uint32_t k = 0; k < c->f->n_params; k++) {
        const tg_fparam *p = &c->f->params[k];
        if (!p->value) {
            continue;
        }
        tile *t = is_tensor_param(p) ? tensor_argument(c, p, &c->args[k].tensor)
                                     : scalar_argument(c, p, c->args[k].scalar);
        set_slot(c, p->value, t);
    }
}

static const char *text_of(tg_status s) {
    return s == TG_ERROR_OUT_OF_MEMORY ? "the interpreter ran out of memory"
                                       : tg_status_name(s);
}

/* Everything that may unwind. */
static tg_status run(interp *c, tg_arena *arena) {
    if (TG_PROTECT(&c->unwind)) {
        return c->unwind.status;
    }
    c->plan = plan_create(arena, c->f);
    c->slot = TG_NEW_ARRAY(arena, tile *, c->f->next_value_id + 1);
    c->axis = TG_NEW_ARRAY(arena, axis_state, c->f->axes.len + 1);
    bind_arguments(c);
    exec_block(c, &c->f->body.body);
    return TG_OK;
}

static void report(interp *c, tg_status status) {
    if (status != TG_OK && c->message && c->message_size && !c->message[0]) {
        tg_format(c->message, c->message_size, "%s", text_of(status));
    }
    c->stats.peak_bytes += (int64_t)c->pool.peak;
    if (c->o->stats) {
        *c->o->stats = c->stats;
    }
}

tg_status tg_interp_run(const tg_func *f, const tg_interp_arg *args,
                        const tg_interp_options *options, const tg_allocator *allocator,
                        char *message, size_t message_size) {
    const tg_allocator *a = allocator ? allocator : &tg_allocator_default;
    static const tg_interp_options none = {.mode = TG_INTERP_EXACT};
    interp *c = tg_alloc(a, sizeof *c, _Alignof(interp));
    if (!c) {
        return TG_ERROR_OUT_OF_MEMORY;
    }
    *c = (interp){.f = f,
                  .args = args,
                  .o = options ? options : &none,
                  .message = message,
                  .message_size = message_size};
    c->ideal = c->o->mode == TG_INTERP_IDEAL;
    c->check = c->o->check;
    pool_init(&c->pool, a, &c->unwind,
              c->o->max_bytes ? c->o->max_bytes : (size_t)1 << DEFAULT_MAX_BYTES_LOG);
    if (message && message_size) {
        message[0] = 0;
    }
    tg_arena *arena = tg_arena_create(a, &c->unwind);
    tg_status status = arena ? run(c, arena) : TG_ERROR_OUT_OF_MEMORY;
    report(c, status);
    pool_dispose(&c->pool);
    tg_arena_destroy(arena);
    tg_free(a, c, sizeof *c);
    return status;
}
