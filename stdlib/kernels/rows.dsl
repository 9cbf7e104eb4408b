/// Row by row over the last dimension: softmax, its logarithm, the cross-entropy loss, and their gradients.
import "std/nn": softmax, log_softmax, logsumexp;

/// Y = exp(X) / sum exp(X)
kernel softmax<T: float>(in T X[M, N], out T Y[M, N])
{
    grid (i in M) {
        axis j in N;
        Y[i, j] = softmax(X[i, j], j);
    }
}
kernel softmax_bwd<T: float>(in T Y[M, N], in T dY[M, N], out T dX[M, N])
{
    grid (i in M) {
        axis j in N;
        let y = widen(Y[i, j]), dy = widen(dY[i, j]);
        dX[i, j] = T(y * (dy - sum(y * dy, j)));
    }
}
grad softmax = softmax_bwd;

/// Y = X - log sum exp(X)
kernel log_softmax<T: float>(in T X[M, N], out T Y[M, N])
{
    grid (i in M) {
        axis j in N;
        Y[i, j] = log_softmax(X[i, j], j);
    }
}
kernel log_softmax_bwd<T: float>(in T Y[M, N], in T dY[M, N], out T dX[M, N])
{
    grid (i in M) {
        axis j in N;
        let dy = widen(dY[i, j]);
        dX[i, j] = T(dy - exp(widen(Y[i, j])) * sum(dy, j));
    }
}
grad log_softmax = log_softmax_bwd;

/// loss[i] = log sum exp(X[i]) - X[i, label[i]]; a label outside 0 … V-1 is ignored: loss 0.
kernel cross_entropy<T: float>(in T X[M, V], in i64 label[M], out wide(T) loss[M], out wide(T) lse[M])
{
    grid (i in M) {
        axis v in V;
        let z = logsumexp(X[i, v], v);
        lse[i] = z;
        loss[i] = label[i] >= 0 && label[i] < V ? z - widen(X[i, label[i]]) : 0;
    }
}
kernel cross_entropy_bwd<T: float>(in T X[M, V], in i64 label[M], in wide(T) lse[M], in wide(T) dloss[M], out T dX[M, V])
{
    grid (i in M, v in V) {
        let known = label[i] >= 0 && label[i] < V, hot = v == label[i] ? 1 : 0;
        let p = exp_sub(widen(X[i, v]), lse[i]);
        dX[i, v] = T(known ? (p - wide(T)(hot)) * dloss[i] : 0);
    }
}
