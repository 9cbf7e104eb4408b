/// Convolutions of images whose channels come before their rows and columns, [N, G, CG, H, W], of which every channel is a plane: products in registers
/// whose columns run along rows of the result, and whose rows are filters. All planes are copied first, with zeros around them and their columns sorted
/// by place in the stride, so that the columns of every filter position are read where they lie:
///
///   columns 0, 2, 4, … of a line │ 1, 3, 5, …        stride 2; position s of the filter: part s % 2, from s / 2 on
///
/// Filter positions a stride apart read the same part, each one further on than the last: those of a place are a product of their own, whose columns need no
/// packing.
///
/// A product along channels, as conv.dsl computes, has few columns if a group has few filters, and gathers windows of few channels. Here sums are of
/// known length and tiles of known size, which is most of the gain: rows of the result come in pieces of B.
import "std/activate": activate;

const int PLACES = 16; // of a stride that have code of their own

/// Lines of a plane that P lines of a result read
fn lines(int P, const int R, const int stride, const int dil) -> int = max((P - 1) * stride + (R - 1) * dil + 1, 0);

/// Columns of each place of the stride that Q columns of a result read
fn columns(int Q, const int S, const int stride, const int dil) -> int = Q + (S - 1) * dil / stride;

/// Y = act(X * F + bias) over images, with groups of CG and KG channels
kernel conv2d_planes<T: float>(in T X[N, G, CG, H, W], in T F[G, const KG, const CG, const R, const S], in? T bias[G, KG], out T Y[N, G, KG, P, Q],
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0, const int dil_h = 1, const int dil_w = 1, const int act = 0,
    const int B = 1)
    where stride_h > 0, dil_h > 0, stride_w > 0, dil_w > 0, B > 0, Q % B == 0,
          P == (H + 2 * pad_h - dil_h * (R - 1) - 1) / stride_h + 1,
          Q == (W + 2 * pad_w - dil_w * (S - 1) - 1) / stride_w + 1
{
    temp T Z[N, G, CG, lines(P, R, stride_h, dil_h), stride_w, columns(Q, S, stride_w, dil_w)];
    grid (each n in N, each g in G, each a in CG, y in lines(P, R, stride_h, dil_h), each j in stride_w, x in columns(Q, S, stride_w, dil_w))
        Z[n, g, a, y, j, x] = X[n, g, a, y - pad_h, x * stride_w + j - pad_w];
    grid (each n in N, each g in G, p in P) {
        axis q in B, k in KG;
        for (each b in Q / B) {
            wide(T) acc[k, p, q] = 0;
            if const (S > stride_w && stride_w <= PLACES) {
                unroll for (int j = 0; j < stride_w; j += 1) for (c in CG) for (each r in R) for (each s in ceil_div(S - j, stride_w))
                    acc += dot(F[g, k, c, r, s * stride_w + j],
                               Z[n, g, c, p * stride_h + r * dil_h, j * dil_w % stride_w, b * B + q + s * dil_w + j * dil_w / stride_w], c);
            } else { // as many products as positions, each of a short sum, or much code
                for (c in CG) for (each r in R) for (each s in S)
                    acc += dot(F[g, k, c, r, s], Z[n, g, c, p * stride_h + r * dil_h, s * dil_w % stride_w, b * B + q + s * dil_w / stride_w], c);
            }
            if (bias) acc += widen(bias[g, k]);
            Y[n, g, k, p, b * B + q] = T(activate(acc, act, 0));
        }
    }
}
schedule conv2d_planes { vector(q) = 16; }

/// The first line of a gradient that a filter reaches, relative to line 0 of the image
fn lowest(const int R, const int stride, const int pad) -> int = (pad - (R - 1)) / stride;

/// Lines of a gradient that n lines of each place of a stride read
fn reached(int n, const int R, const int stride, const int pad) -> int = n + (stride - 1 + pad) / stride - lowest(R, stride, pad);

/// dX of conv2d_planes where strides are more than 1, and the transposed convolution: each place of a stride is a product of the filter positions that
/// reach it. With a stride of 1 it is conv2d_planes, of a filter in reverse.
kernel conv2d_planes_dgrad<T: float>(in T dY[N, G, KG, P, Q], in T F[G, const KG, const CG, const R, const S], in? T bias[G, CG], out T dX[N, G, CG, H, W],
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0, const int act = 0, const int B = 1)
    where stride_h > 0, stride_w > 0, R > 0, S > 0, B > 0, ceil_div(W, stride_w) % B == 0,
          P == (H + 2 * pad_h - R) / stride_h + 1, Q == (W + 2 * pad_w - S) / stride_w + 1
{
    let top = lowest(R, stride_h, pad_h), left = lowest(S, stride_w, pad_w);
    temp T Z[N, G, KG, reached(ceil_div(H, stride_h), R, stride_h, pad_h), reached(ceil_div(W, stride_w), S, stride_w, pad_w)];
    grid (each n in N, each g in G, each a in KG, y in reached(ceil_div(H, stride_h), R, stride_h, pad_h), x in reached(ceil_div(W, stride_w), S, stride_w, pad_w))
        Z[n, g, a, y, x] = dY[n, g, a, y + top, x + left];
    grid (each n in N, each g in G, y in ceil_div(H, stride_h)) {
        axis x in B, c in CG;
        unroll for (int i = 0; i < stride_h; i += 1) unroll for (int j = 0; j < stride_w; j += 1) {
            let r0 = (i + pad_h) % stride_h, s0 = (j + pad_w) % stride_w;
            let p0 = (i + pad_h - r0) / stride_h - top, q0 = (j + pad_w - s0) / stride_w - left;
            for (each b in ceil_div(W, stride_w) / B) {
                wide(T) acc[c, y, x] = 0;
                for (k in KG) for (each t in ceil_div(R - r0, stride_h)) for (each v in ceil_div(S - s0, stride_w))
                    acc += dot(F[g, k, c, r0 + t * stride_h, s0 + v * stride_w], Z[n, g, k, y + p0 - t, b * B + x + q0 - v], k);
                if (bias) acc += widen(bias[g, c]);
                dX[n, g, c, y * stride_h + i, (b * B + x) * stride_w + j] = T(activate(acc, act, 0));
            }
        }
    }
}
schedule conv2d_planes_dgrad { vector(x) = 16; }
