//! One address before several nodes, as a load balancer is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Hands each new connection to the first node that takes it.
pub struct Balancer {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    nodes: Vec<SocketAddr>,
    /// How many connections each node took.
    taken: Vec<AtomicUsize>,
    /// How many more end with the first node, although it is gone.
    unaware: AtomicUsize,
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Balancer {
    pub async fn before(nodes: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let taken = nodes.iter().map(|_| AtomicUsize::new(0)).collect();
        let shared = Arc::new(Shared { nodes, taken, unaware: AtomicUsize::new(0) });
        let mine = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((from, _)) = listener.accept().await {
                tokio::spawn(hand_on(Arc::clone(&mine), from));
            }
        });
        Self { address, shared, task }
    }

    /// So many connections are lost before it knows that a node is gone.
    pub fn unaware_for(&self, connections: usize) {
        self.shared.unaware.store(connections, Ordering::SeqCst);
    }

    /// Whether all that were to be lost are lost.
    pub fn is_aware(&self) -> bool {
        self.shared.unaware.load(Ordering::SeqCst) == 0
    }

    /// How many connections a node took.
    pub fn taken(&self, node: usize) -> usize {
        self.shared.taken[node].load(Ordering::SeqCst)
    }
}

async fn hand_on(shared: Arc<Shared>, mut from: TcpStream) {
    for (node, taken) in shared.nodes.iter().zip(&shared.taken) {
        if let Ok(mut to) = TcpStream::connect(node).await {
            taken.fetch_add(1, Ordering::SeqCst);
            let _ = copy_bidirectional(&mut from, &mut to).await;
            return;
        }
        let one_less = |left: usize| left.checked_sub(1);
        if shared.unaware.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok() {
            return;
        }
    }
}
