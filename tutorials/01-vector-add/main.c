/* Adds two vectors with a kernel of our own and checks every element. */
#include "tutorial.h"

int main(int argc, char **argv)
{
    tutorial t = tutorial_open(argc, argv, TUTORIAL_DIR "/vector_add.dsl");
    tg_kernel *add = tg_module_kernel(t.module, "add");
    NEED(t.context, add);

    int64_t n = 1000003; /* any length: edges are the language's business */
    tg_tensor *a = tutorial_random(t.context, 1, &n, 1), *b = tutorial_random(t.context, 1, &n, 2);
    tg_tensor *c = tg_tensor_create(t.context, TG_F32, 1, &n);
    NEED(t.context, c);

    CHECK(t.context, tg_launch(add, TG_ARGS(a, b, c))); /* compiles on first use */

    double worst = 0;
    for (int64_t i = 0; i < n; i++)
        worst = fmax(worst, fabs((double)floats(c)[i] - (double)(floats(a)[i] + floats(b)[i])));
    int result = tutorial_report("add", worst, 0); /* one IEEE addition: exactly equal */

    tg_tensor_release(a);
    tg_tensor_release(b);
    tg_tensor_release(c);
    tutorial_close(&t);
    return result;
}
