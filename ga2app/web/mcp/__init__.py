"""What the studio does for agents, over the Model Context Protocol (MCP): ``python app.py --mcp``."""

from ga2app.web.mcp.agent_tools import open_to_agents as open_to_agents
