#!/usr/bin/env bash
# What the local stack's program does, by hand: two lab clusters, openssl, helm and kubectl.
#
#   by_hand.sh up FOLDER     make what is missing, and wait until each ingress is answered by both meshes
#   by_hand.sh down FOLDER   destroy the clusters
#
# FOLDER keeps keys, certificates and kubeconfigs; CHARTS, IMAGE_HUB, IMAGE_TAG and PYTHON come from the environment.
# The two meshes are made in parallel.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
command=$1 folder=$2
mkdir -p "$folder" && cd "$folder"

lab() { PYTHONPATH="$here/.." "$PYTHON" -m lab "$@"; }

filled() { # MESH FILE
    local peer=west
    [ "$1" = east ] || peer=east
    sed -e "s#@MESH@#$1#" -e "s#@PEER@#$peer#" -e "s#@IMAGE_HUB@#$IMAGE_HUB#" -e "s#@IMAGE_TAG@#$IMAGE_TAG#" \
        -e "s#@EAST_ADDRESS@#${east_address:-}#" -e "s#@EAST_PORT@#${east_port:-}#" \
        -e "s#@WEST_ADDRESS@#${west_address:-}#" -e "s#@WEST_PORT@#${west_port:-}#" "$here/$2"
}

root() {
    [ -s root.pem ] && return
    openssl ecparam -name prime256v1 -genkey -noout -out root.key
    openssl req -x509 -new -key root.key -days 3650 -subj "/O=by-hand/CN=root" -out root.pem \
        -addext basicConstraints=critical,CA:true,pathlen:1 -addext keyUsage=critical,keyCertSign,cRLSign,digitalSignature
}

intermediate() { # MESH
    [ -s "$1.pem" ] && return
    local names="permitted;URI:$1.mesh,excluded;URI:.$1.mesh,permitted;email:invalid,excluded;email:invalid" host
    for host in istiod istiod-remote istio-pilot; do
        names+=",permitted;DNS:$host.istio-system.svc,excluded;DNS:.$host.istio-system.svc"
    done
    openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
    openssl req -new -key "$1.key" -subj "/O=$1.mesh/CN=$1" -out "$1.csr"
    openssl x509 -req -in "$1.csr" -CA root.pem -CAkey root.key -set_serial "0x$(openssl rand -hex 16)" -days 365 \
        -out "$1.pem" -extfile <(printf '%s\n' basicConstraints=critical,CA:true,pathlen:0 \
        keyUsage=critical,keyCertSign,cRLSign,digitalSignature "nameConstraints=critical,$names") 2>"$1.log"
    cat "$1.pem" root.pem >"$1.chain"
}

cluster() { # MESH
    if [ -s "$1.id" ]; then
        lab start "$(<"$1.id")"
    else
        lab create "$1" >"$1.new" && mv "$1.new" "$1.id"
        lab kubeconfig "$(<"$1.id")" >"$1.kubeconfig"
    fi
    grep -oE 'server: https://[0-9.]+' "$1.kubeconfig" | cut -d/ -f3 >"$1.address"
}

control_plane() { # MESH
    intermediate "$1"
    cluster "$1"
    export KUBECONFIG="$PWD/$1.kubeconfig"
    kubectl create namespace istio-system --dry-run=client -o yaml | kubectl apply --server-side -f -
    kubectl create secret generic cacerts -n istio-system --dry-run=client -o yaml --from-file=ca-cert.pem="$1.pem" \
        --from-file=ca-key.pem="$1.key" --from-file=root-cert.pem=root.pem --from-file=cert-chain.pem="$1.chain" |
        kubectl apply --server-side -f -
    helm upgrade --install istio-base "$CHARTS/base" -n istio-system --wait
    filled "$1" istiod.yaml | helm upgrade --install istiod "$CHARTS/istiod" -n istio-system --values - \
        --set-file "meshConfig.caCertificates[0].pem=root.pem" --wait
}

routes() { # MESH
    export KUBECONFIG="$PWD/$1.kubeconfig"
    local east_address west_address east_port=31443 west_port=31443
    filled "$1" sample.yaml | kubectl apply --server-side -f -
    east_address=$(<east.address) west_address=$(<west.address)
    printf -v "$1_address" %s echo.demo.svc.cluster.local.
    printf -v "$1_port" %s 80
    filled "$1" objects.yaml | kubectl apply --server-side -f -
    helm upgrade --install istio-ingressgateway "$CHARTS/gateway" -n istio-system --values "$here/gateway.yaml" --wait
    kubectl rollout status deployment/echo -n demo --timeout=120s
}

side_by_side() { # FUNCTION: for both meshes, at once
    local failed=0 pids=()
    for mesh in east west; do
        "$1" "$mesh" >>"$mesh.out" 2>&1 &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
    [ $failed = 0 ] || { tail -n 20 east.out west.out >&2; exit 1; }
}

answered() { # ASKED ANSWERING: wait until a request to one mesh is answered by the other
    local attempt
    for attempt in $(seq 600); do
        curl -fsS --max-time 5 "http://$(<"$1.address"):30080/" 2>>"$1.out" | grep -q "^Cluster=$2" && return
        sleep 0.05
    done
    echo "$1: no answer from $2 after $attempt requests" >&2
    exit 1
}

case $command in
up)
    root
    side_by_side control_plane
    side_by_side routes
    answered east west
    answered west east
    ;;
down)
    remove() { [ -s "$1.id" ] || return 0; lab destroy "$(<"$1.id")" && rm "$1.id"; }
    side_by_side remove
    ;;
*)
    echo "unknown command: $command (up or down)" >&2
    exit 2
    ;;
esac
